#include "proxy/request_ids.h"

#include <sys/random.h>

#include <bit>
#include <chrono>

namespace gracevisor::proxy {

RequestIds::RequestIds() noexcept {
  ssize_t got = ::getrandom(state_.data(), sizeof state_, GRND_NONBLOCK);
  if (got == static_cast<ssize_t>(sizeof state_) && (state_[0] | state_[1]) != 0) return;
  // An early boot without entropy: the clock tells daemons apart, the object's address their workers.
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
  std::uint64_t bits = random();
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (i == text_.size() / 2) bits = random();
    text_[i] = "0123456789abcdef"[bits & 15U];
    bits >>= 4U;
  }
  return {text_.data(), text_.size()};
}

}  // namespace gracevisor::proxy
