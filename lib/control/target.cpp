#include "control/target.h"

#include <charconv>

namespace gracevisor::control {
namespace {

enum class Part { path, query };

std::optional<std::string> unescape(std::string_view text, Part part) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && part == Part::query) {
      c = ' ';
    } else if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      unsigned value = 0;
      const char* end = text.data() + i + 3;
      auto [stop, ec] = std::from_chars(text.data() + i + 1, end, value, 16);
      if (ec != std::errc() || stop != end) return std::nullopt;
      c = static_cast<char>(value);
      // It would look like a different path from the one that was meant.
      if (c == '/' && part == Part::path) return std::nullopt;
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
  auto mark = target.find('?');
  auto path = unescape(target.substr(0, mark), Part::path);
  if (!path || !path->starts_with('/')) return std::nullopt;
  Target result{std::move(*path), {}};
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    auto end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (pair.empty()) continue;
    auto equals = pair.find('=');
    auto name = unescape(pair.substr(0, equals), Part::query);
    auto value = unescape(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
                          Part::query);
    if (!name || !value) return std::nullopt;
    result.query.insert_or_assign(std::move(*name), std::move(*value));
  }
  return result;
}

std::string escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                 c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

}  // namespace gracevisor::control
