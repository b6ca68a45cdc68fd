#include "proxy/log_escape.h"

#include <algorithm>

namespace gracevisor::proxy {
namespace {

constexpr char hex_digit(unsigned value, std::string_view digits = "0123456789abcdef") noexcept {
  return digits[value & 0xFU];
}

// Printable ASCII that neither form escapes.
constexpr bool plain(char c) noexcept {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

// Moves the beginning of `text` to `out` unchanged, as far as it is plain and fits.
void take_plain(std::string_view& text, std::size_t room, std::string& out) {
  std::size_t length = 0;
  std::size_t most = std::min(text.size(), room);
  while (length < most && plain(text[length])) ++length;
  out.append(text.substr(0, length));
  text.remove_prefix(length);
}

constexpr unsigned byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

// The length of the UTF-8 character at the beginning of `text` (RFC 3629 section 4); 0: there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  unsigned first = byte_at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80U) return 0;
  }
  // Longer than needed, a surrogate, or beyond U+10FFFF.
  unsigned second = byte_at(text, 1);
  bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
               (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

// Appends \u00XX if that fits.
bool append_code_point(unsigned number, std::size_t room, std::string& out) {
  constexpr std::size_t kEscape = 6;
  if (room < kEscape) return false;
  out += "\\u00";
  out += hex_digit(number >> 4U);
  out += hex_digit(number);
  return true;
}

// Moves the first character of `text`, which is not plain, to `out`, escaped; false: it does not fit.
bool take_json_escaped(std::string_view& text, std::size_t room, std::string& out) {
  std::size_t length = utf8_length(text);
  unsigned first = byte_at(text, 0);
  bool control = first == 0xC2 && length == 2 && byte_at(text, 1) < 0xA0;  // U+0080 to U+009F
  bool fits = true;
  if (length == 0 || first < 0x20 || first == 0x7F) {
    length = 1;
    fits = append_code_point(first, room, out);
  } else if (control) {
    fits = append_code_point(byte_at(text, 1), room, out);
  } else {
    bool quoted = length == 1;  // of ASCII only the quote and the backslash are left
    fits = length + (quoted ? 1 : 0) <= room;
    if (fits && quoted) out += '\\';
    if (fits) out.append(text.substr(0, length));
  }
  text.remove_prefix(length);
  return fits;
}

}  // namespace

void append_json_escaped(std::string_view text, std::size_t room, std::string& out) {
  const std::size_t end = out.size() + room;
  for (;;) {
    take_plain(text, end - out.size(), out);
    if (text.empty() || out.size() == end || !take_json_escaped(text, end - out.size(), out)) return;
  }
}

void append_hex_escaped(std::string_view text, std::size_t room, std::string& out) {
  constexpr std::size_t kEscape = 4;  // \xHH
  const std::size_t end = out.size() + room;
  for (;;) {
    take_plain(text, end - out.size(), out);
    if (text.empty() || end - out.size() < kEscape) return;
    constexpr std::string_view kUpper = "0123456789ABCDEF";
    out += "\\x";
    out += hex_digit(byte_at(text, 0) >> 4U, kUpper);
    out += hex_digit(byte_at(text, 0), kUpper);
    text.remove_prefix(1);
  }
}

}  // namespace gracevisor::proxy
