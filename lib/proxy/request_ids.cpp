#include "proxy/request_ids.h"

#include <sys/random.h>

#include <bit>
#include <chrono>
#include <cstring>

namespace gracevisor::proxy {
namespace {

// The eight hexadecimal digits of `bits`, in some order, a byte each.
std::uint64_t digits_of(std::uint32_t bits) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101U;
  std::uint64_t nibbles = bits;
  nibbles = (nibbles | nibbles << 16U) & 0x0000FFFF0000FFFFU;
  nibbles = (nibbles | nibbles << 8U) & 0x00FF00FF00FF00FFU;
  nibbles = (nibbles | nibbles << 4U) & 0x0F0F0F0F0F0F0F0FU;
  const std::uint64_t above_nine = ((nibbles + 6 * kEach) >> 4U) & kEach;
  return nibbles + '0' * kEach + above_nine * ('a' - '0' - 10);
}

}  // namespace

RequestIds::RequestIds() noexcept {
  ssize_t got = ::getrandom(state_.data(), sizeof state_, GRND_NONBLOCK);
  if (got == static_cast<ssize_t>(sizeof state_) && (state_[0] | state_[1]) != 0) return;
  // Early in a boot without entropy: the clock distinguishes daemons, the object's address their workers.
  state_[0] = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  state_[1] = std::bit_cast<std::uintptr_t>(this) | 1U;
}

std::uint64_t RequestIds::random() noexcept {
  std::uint64_t a = state_[0];
  std::uint64_t b = state_[1];
  std::uint64_t result = a + b;
  b ^= a;
  state_[0] = std::rotl(a, 24) ^ b ^ (b << 16U);
  state_[1] = std::rotl(b, 37);
  return result;
}

std::string_view RequestIds::next() noexcept {
  const std::array<std::uint64_t, 2> bits{random(), random()};
  std::array<std::uint64_t, 4> digits{};
  static_assert(sizeof digits == sizeof text_);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    digits.at(i) = digits_of(static_cast<std::uint32_t>(bits.at(i / 2) >> (i % 2 * 32)));
  }
  std::memcpy(text_.data(), digits.data(), sizeof digits);
  return {text_.data(), text_.size()};
}

}  // namespace gracevisor::proxy
