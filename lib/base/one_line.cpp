#include "base/one_line.h"

#include <algorithm>

namespace gracevisor::base {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
}

// How many bytes the UTF-8 character has that `text` begins with; 0: it begins with none, or with a control.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first > ' ' && first != 0x7f ? 1 : 0;
  const std::size_t size = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  if (!std::ranges::all_of(text.substr(1, size - 1), continues)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool c1_control = first == 0xc2 && second < 0xa0;
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return c1_control || overlong || no_character ? 0 : size;
}

bool is_gap(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = "...";
  std::string line;
  bool gap = false;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view next = text.substr(0, std::max<std::size_t>(size, 1));
    text.remove_prefix(next.size());
    if (is_gap(next.front())) {
      gap = !line.empty();
      continue;
    }
    const std::size_t needed = next.size() + (gap ? 1 : 0);
    if (line.size() + needed > most) return line.append(kCut);
    if (gap) line += ' ';
    gap = false;
    if (size == 0) {
      line += '?';
    } else if (next == "\"") {
      line += '\'';
    } else {
      line += next;
    }
  }
  return line;
}

std::string quotable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    const bool quote = c == '"';
    if (quote && line.ends_with('\\')) line.pop_back();
    line += quote ? '\'' : c;
  }
  return line;
}

}  // namespace gracevisor::base
