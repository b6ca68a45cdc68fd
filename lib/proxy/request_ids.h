// Makes X-Request-ID values: 128 random bits as 32 hexadecimal digits. They tell requests apart; they are not
// secret. Thread: the worker's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gracevisor::proxy {

class RequestIds {
 public:
  // Seeds itself from the kernel.
  RequestIds() noexcept;
  // Valid until the next call.
  [[nodiscard]] std::string_view next() noexcept;

 private:
  [[nodiscard]] std::uint64_t random() noexcept;

  std::array<std::uint64_t, 2> state_{};  // of xoroshiro128+
  std::array<char, 32> text_{};
};

}  // namespace gracevisor::proxy
