// Small writers that forward.cpp's parts share. Internal to http/. Thread: pure functions on the caller's
// string.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/fields.h"
#include "http/forward.h"

namespace gracevisor::http {

// Room that a head is written into, front to back. What has no room is only counted.
class HeadText {
 public:
  HeadText(char* begin, std::size_t room) noexcept : begin_(begin), room_(room) {}
  HeadText& append(std::string_view text) noexcept {
    if (size_ + text.size() <= room_) text.copy(begin_ + size_, text.size());
    size_ += text.size();
    return *this;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  char* begin_;
  std::size_t room_;
  std::size_t size_ = 0;
};

// Appends what `write` writes into a HeadText: a head is many small pieces, and none of them asks for the
// string's capacity. With too little `room` it is written again.
template <class Write>
void append_head(std::string& out, std::size_t room, Write write) {
  const std::size_t before = out.size();
  std::size_t needed = 0;
  const auto try_it = [&] {
    out.resize_and_overwrite(before + room, [&](char* text, std::size_t /*size*/) {
      HeadText head(text + before, room);
      write(head);
      needed = head.size();
      return before + (needed <= room ? needed : 0);
    });
  };
  try_it();
  if (needed <= room) return;
  room = needed;
  try_it();
}

// As much as the fields need the way they are.
[[nodiscard]] inline std::size_t size_of(const Fields& fields) noexcept {
  std::size_t size = 0;
  for (const Field& field : fields) size += field.text.size() + field.value.size() + 4;
  return size;
}

[[nodiscard]] inline std::size_t size_of(const FieldEdits& edits) noexcept {
  std::size_t size = 0;
  for (const auto& [name, value] : edits.set) size += name.size() + value.size() + 4;
  return size;
}

// Into a HeadText or a string.
template <class Text>
void write_field(std::string_view name, std::string_view value, Text& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

template <class Text>
void write_field(const Field& field, Text& out) {
  write_field(field.text, field.value, out);
}

template <class Text>
void write_number(std::uint64_t number, Text& out) {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(std::string_view(digits.data(), end));
}

template <class Text>
void write_field(std::string_view name, std::uint64_t number, Text& out) {
  out.append(name).append(": ");
  write_number(number, out);
  out.append("\r\n");
}

}  // namespace gracevisor::http
