#include "proxy/websocket.h"

#include <algorithm>

namespace gracevisor::proxy {
namespace {
constexpr unsigned kFinal = 0x80;
constexpr unsigned kOpcode = 0xf;
constexpr unsigned kClose = 0x8;
constexpr unsigned kMasked = 0x80;
constexpr unsigned kShortLength = 0x7f;
constexpr unsigned kLength16 = 126;
constexpr unsigned kLength64 = 127;
constexpr std::size_t kMaskSize = 4;
}  // namespace

// The size of the head that has begun, once its second byte tells; two bytes until then.
std::size_t WebSocketFrames::head_size() const noexcept {
  if (have_ < 2) return 2;
  std::size_t size = 2;
  if ((head_[1] & kShortLength) == kLength16) size += 2;
  if ((head_[1] & kShortLength) == kLength64) size += 8;
  if ((head_[1] & kMasked) != 0) size += kMaskSize;
  return size;
}

std::size_t WebSocketFrames::step(std::string_view bytes) noexcept {
  if (payload_left_ > 0) {
    auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, bytes.size()));
    payload_left_ -= taken;
    return taken;
  }
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    head_[have_++] = static_cast<unsigned char>(bytes[taken++]);
    if (have_ < head_size()) continue;
    closing_ = closing_ || (head_[0] & kOpcode) == kClose;
    unsigned length = head_[1] & kShortLength;
    std::size_t digits = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
    payload_left_ = digits == 0 ? length : 0;
    for (std::size_t i = 0; i < digits; ++i) payload_left_ = payload_left_ << 8U | head_[2 + i];
    have_ = 0;
    break;
  }
  return taken;
}

std::size_t WebSocketFrames::until_boundary(std::string_view bytes) const noexcept {
  WebSocketFrames ahead = *this;
  std::size_t taken = 0;
  while (taken < bytes.size() && !ahead.at_boundary()) taken += ahead.step(bytes.substr(taken));
  return taken;
}

void WebSocketFrames::pass(std::string_view bytes) noexcept {
  while (!bytes.empty()) bytes.remove_prefix(step(bytes));
}

WebSocketClose::WebSocketClose(CloseFrom from, std::uint16_t status) noexcept {
  bool masked = from == CloseFrom::client;
  bytes_[0] = static_cast<char>(kFinal | kClose);
  bytes_[1] = static_cast<char>((masked ? kMasked : 0U) | 2U);
  std::size_t at = masked ? 2 + kMaskSize : 2;
  bytes_[at] = static_cast<char>(status >> 8U);
  bytes_[at + 1] = static_cast<char>(status & 0xffU);
  size_ = at + 2;
}

}  // namespace gracevisor::proxy
