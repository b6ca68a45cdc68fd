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

// Space that a head is written into, front to back. What does not fit is only counted.
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

// Appends what `write` writes into a HeadText: a head is many small pieces, and this avoids checking the
// string's capacity for each. If `room` is too small, the head is written again.
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

// The space that the fields need when written unchanged.
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

// Writes into a HeadText or a string.
template <class Text>
void write_field(std::string_view name, std::string_view value, Text& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// The same with a literal name: its length is known at compile time.
template <std::size_t N, class Text>
[[gnu::always_inline]] inline void write_field(const char (&name)[N], std::string_view value, Text& out) {
  out.append(std::string_view(name, N - 1)).append(": ").append(value).append("\r\n");
}

// Copies fields unchanged, in order. Adjacent plain lines are copied as one piece.
class FieldCopy {
 public:
  explicit FieldCopy(HeadText& out) noexcept : out_(out) {}
  FieldCopy(const FieldCopy&) = delete;
  FieldCopy& operator=(const FieldCopy&) = delete;
  ~FieldCopy() { flush(); }

  void add(const Field& field) noexcept {
    const char* const begin = field.text.data();
    if (!field.plain_line || begin != end_) flush();
    if (!field.plain_line) {
      write_field(field.text, field.value, out_);
      return;
    }
    if (begin_ == nullptr) begin_ = begin;
    end_ = field.value.data() + field.value.size() + 2;
  }
  // The same under another name.
  void add_as(std::string_view name, const Field& field) noexcept {
    flush();
    write_field(name, field.value, out_);
  }

 private:
  void flush() noexcept {
    if (begin_ != nullptr) out_.append({begin_, end_});
    begin_ = end_ = nullptr;
  }

  HeadText& out_;
  // Lines not yet written; null: none.
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
};

template <class Text>
void write_number(std::uint64_t number, Text& out) {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(std::string_view(digits.data(), end));
}

template <std::size_t N, class Text>
void write_field(const char (&name)[N], std::uint64_t number, Text& out) {
  out.append(std::string_view(name, N - 1)).append(": ");
  write_number(number, out);
  out.append("\r\n");
}

}  // namespace gracevisor::http
