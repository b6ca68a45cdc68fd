#include "config/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <tuple>

namespace gracevisor::config {
namespace {

bool bare_key_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

}  // namespace

std::string Diagnostic::line() const {
  std::string line;
  // Names of files may hold anything.
  for (char c : place(source) + ": " + text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format(R"(\x{:02x})", static_cast<unsigned>(byte));
    } else {
      line += c;
    }
  }
  return line;
}

std::string lines_of(const std::vector<Diagnostic>& findings, std::string_view kind) {
  std::string lines;
  for (const Diagnostic& finding : findings) lines.append(kind).append(finding.line()).append("\n");
  return lines;
}

void Findings::add(List& list, const Source& source, std::string text) {
  if (list.kept.size() < kMost) {
    list.kept.push_back({source, std::move(text)});
  } else {
    ++list.left_out;
  }
}

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::sort(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.source.file, a.source.line, a.source.column, a.text) <
           std::tie(b.source.file, b.source.line, b.source.column, b.text);
  });
}

std::vector<Diagnostic> Findings::take(List& list) {
  std::vector<Diagnostic> result = std::move(list.kept);
  sort_by_place(result);
  if (list.left_out > 0) {
    result.push_back({result.back().source, fmt::format("{} more findings are not shown", list.left_out)});
  }
  list = List{};
  return result;
}

std::string place(const Source& source) {
  return fmt::format("{}:{}:{}", source.file, source.line, source.column);
}

std::string key_text(std::string_view key) {
  bool bare = !key.empty() && std::all_of(key.begin(), key.end(), bare_key_character);
  return bare ? std::string(key) : quote(key);
}

std::string quote(std::string_view text) {
  std::string out = R"(")";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += R"(\")"; break;
      case '\\': out += R"(\\)"; break;
      case '\n': out += R"(\n)"; break;
      case '\t': out += R"(\t)"; break;
      case '\r': out += R"(\r)"; break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          out += fmt::format(R"(\u{:04X})", static_cast<unsigned>(byte));
        } else {
          out += c;
        }
    }
  }
  return out + '"';
}

std::string quote_briefly(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  if (text.size() <= kLongest) return quote(text);
  std::size_t end = kLongest;
  // Not in the middle of a UTF-8 sequence.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return quote(std::string(text.substr(0, end)) + "...");
}

}  // namespace gracevisor::config
