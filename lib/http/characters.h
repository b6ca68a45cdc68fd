// The character classes of RFC 9110 section 5.6.2 and RFC 9112 as one table of bits. Internal to http/.
// Thread: pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gracevisor::http {

enum CharacterClass : std::uint8_t {
  kTokenCharacter = 1,   // tchar
  kTargetCharacter = 2,  // of a target's path: visible ASCII except #, <, >, ", {, }, ^, ` and backslash
  kValueCharacter = 4,   // of a field value or reason: HTAB, SP, VCHAR, obs-text
  kNameCharacter = 8,    // of a host name: unreserved (RFC 3986 section 2.3)
  kDigit = 16,
  kQueryCharacter = 32,       // of a target's query: those of the path, plus {, }, ^, ` and backslash, which
                              // browsers send unencoded
  kSentTargetCharacter = 64,  // of either, as some clients send it: anything but controls, space, DEL and #
};

[[nodiscard]] consteval std::array<std::uint8_t, 256> make_character_table() {
  std::array<std::uint8_t, 256> table{};
  const auto add = [&table](std::string_view characters, std::uint8_t bit) {
    for (const char c : characters) table.at(static_cast<unsigned char>(c)) |= bit;
  };
  const std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const std::string_view digits = "0123456789";
  add(letters, kTokenCharacter | kNameCharacter);
  add(digits, kTokenCharacter | kNameCharacter | kDigit);
  add("!#$%&'*+-.^_`|~", kTokenCharacter);
  add("-._~", kNameCharacter);
  for (unsigned c = 0x21; c < 0x7f; ++c) {
    const auto in = [c](std::string_view set) {
      return set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (c != '#') table.at(c) |= kSentTargetCharacter;
    if (in("#<>\"")) continue;
    table.at(c) |= kQueryCharacter;
    if (!in("{}^`\\")) table.at(c) |= kTargetCharacter;
  }
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) table.at(c) |= kValueCharacter;
    if (c >= 0x80) table.at(c) |= kSentTargetCharacter;
  }
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharacters = make_character_table();

[[nodiscard]] constexpr bool is(CharacterClass kind, char c) noexcept {
  return (kCharacters[static_cast<unsigned char>(c)] & kind) != 0;
}

// The length of the longest prefix made of `kind`.
[[nodiscard]] constexpr std::size_t span_of(CharacterClass kind, std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && is(kind, text[length])) ++length;
  return length;
}

// In a word of eight characters: the lowest and the highest bit of each.
inline constexpr std::uint64_t kLowBits = 0x0101010101010101U;
inline constexpr std::uint64_t kHighBits = 0x80 * kLowBits;

// The length of the longest prefix of the eight characters that consists of visible characters, SP and
// obs-text.
[[nodiscard]] inline std::size_t visible_prefix(const char* eight) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, eight, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  // A byte's high bit is set if the byte is below 0x20, is DEL, or (by a borrow) follows such a byte. So the
  // lowest set bit is correct.
  const std::uint64_t deletes = word ^ (0x7f * kLowBits);
  const std::uint64_t control = (word - 0x20 * kLowBits) & ~word;
  const std::uint64_t is_delete = (deletes - kLowBits) & ~deletes;
  return static_cast<std::size_t>(std::countr_zero((control | is_delete) & kHighBits)) / 8;
}

// span_of() for kValueCharacter, eight characters at a time: most of a head consists of values.
[[nodiscard]] inline std::size_t value_span(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length + 8 <= text.size()) {
    const std::size_t visible = visible_prefix(text.data() + length);
    length += visible;
    if (visible == 8) continue;
    if (text[length] != '\t') return length;
    ++length;
  }
  return length + span_of(kValueCharacter, text.substr(length));
}

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t';
}

// Without the surrounding white space (SP, HTAB).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next non-empty member off a comma-separated list; empty at the end.
[[nodiscard]] constexpr std::string_view next_member(std::string_view& rest) noexcept {
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view member = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (!member.empty()) return member;
  }
  return {};
}

// All digits, without overflow; otherwise false.
[[nodiscard]] constexpr bool parse_decimal(std::string_view text, std::uint64_t& number) noexcept {
  if (text.empty()) return false;
  number = 0;
  for (const char c : text) {
    if (!is(kDigit, c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (number > (UINT64_MAX - digit) / 10) return false;
    number = number * 10 + digit;
  }
  return true;
}

}  // namespace gracevisor::http
