// What a head's own fields say about the length of its body (RFC 9112 sections 6.1 to 6.3), but stricter: one
// Content-Length or one "Transfer-Encoding: chunked", nothing else. Internal to http/. Thread: pure.
#pragma once

#include <expected>
#include <string_view>

#include "http/head.h"

namespace gracevisor::http {

class FramingFields {
 public:
  // Takes one more field into account; fields other than the two are ignored.
  void add(const Field& field) noexcept;
  [[nodiscard]] bool any() const noexcept { return lengths_ + codings_ > 0; }
  // none if no length, or a length of 0, is given.
  [[nodiscard]] std::expected<Framing, Refusal> decide(int minor) const noexcept;

 private:
  unsigned lengths_ = 0;  // how many lines
  unsigned codings_ = 0;
  std::string_view length_;
  std::string_view coding_;
};

}  // namespace gracevisor::http
