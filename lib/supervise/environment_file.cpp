#include "supervise/environment_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace gracevisor::supervise {
namespace {

constexpr std::size_t kMaxFile = 1U << 20;
constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

char unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    default: return c;
  }
}

// `text` begins with a quote. What follows the closing one may only be a comment.
base::Expected<std::string> unquoted(std::string_view text) {
  constexpr std::string_view kEscapable = "\"\\$nt";
  char quote = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == quote) {
      std::string_view rest = trimmed(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#') return base::fail("text after the closing quote");
      return value;
    }
    bool escape = quote == '"' && c == '\\' && i + 1 < text.size() &&
                  kEscapable.find(text[i + 1]) != std::string_view::npos;
    value.push_back(escape ? unescaped(text[++i]) : c);
  }
  return base::fail("the closing quote is missing");
}

base::Expected<void> parse_line(std::string_view line, Environment& into) {
  constexpr std::string_view kExport = "export ";
  line = trimmed(line);
  if (line.empty() || line.front() == '#') return {};
  if (line.starts_with(kExport)) line = trimmed(line.substr(kExport.size()));
  std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return base::fail("not of the form KEY=VALUE");
  std::string_view key = line.substr(0, equals);
  if (!is_environment_key(key)) return base::fail("not the name of an environment variable before the \"=\"");
  std::string_view text = trimmed(line.substr(equals + 1));
  if (text.find('\0') != std::string_view::npos) return base::fail("a value cannot hold a NUL byte");
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) {
    into.insert_or_assign(std::string(key), std::string(text));
    return {};
  }
  auto value = unquoted(text);
  if (!value) return std::unexpected(value.error());
  into.insert_or_assign(std::string(key), std::move(*value));
  return {};
}

}  // namespace

bool is_environment_key(std::string_view key) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto further = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  return !key.empty() && letter(key.front()) && std::all_of(key.begin(), key.end(), further);
}

base::Expected<void> parse_environment(std::string_view text, std::string_view name, Environment& into) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::size_t end = std::min(text.find('\n'), text.size());
    if (auto parsed = parse_line(text.substr(0, end), into); !parsed) {
      return base::fail(fmt::format("{}:{}: {}", name, number, parsed.error().what));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

base::Expected<void> read_environment_file(const std::filesystem::path& path, bool optional,
                                           Environment& into, const FileAccess& access,
                                           const std::optional<spawn::Credentials>& user) {
  auto text = access.read(path, kMaxFile, user);
  if (!text) {
    if (optional && text.error().code == ENOENT) return {};
    return std::unexpected(text.error());
  }
  return parse_environment(*text, path.string(), into);
}

}  // namespace gracevisor::supervise
