// Small writers that forward.cpp's parts share. Internal to http/. Thread: pure functions on the caller's
// string.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/fields.h"

namespace gracevisor::http {

inline void write_field(std::string_view name, std::string_view value, std::string& out) {
  out.append(name).append(": ").append(value).append("\r\n");
}

inline void write_field(const Field& field, std::string& out) {
  write_field(field.text, field.value, out);
}

inline void write_number(std::uint64_t number, std::string& out) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

inline void write_field(std::string_view name, std::uint64_t number, std::string& out) {
  out.append(name).append(": ");
  write_number(number, out);
  out.append("\r\n");
}

// Room for the fields as they are and for what is added, so that appending them allocates at most once.
inline void reserve_for(const Fields& fields, std::size_t more, std::string& out) {
  std::size_t size = out.size() + more;
  for (const Field& field : fields) size += field.text.size() + field.value.size() + 4;
  if (out.capacity() < size) out.reserve(size);
}

}  // namespace gracevisor::http
