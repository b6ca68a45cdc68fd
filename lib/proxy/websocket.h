// As much of WebSocket framing (RFC 6455 section 5) as a proxy needs to end a connection between two frames:
// where frames end, and how a Close frame is written. Content is never looked at. Thread: values, the
// owner's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gracevisor::proxy {

// Follows one direction of a connection.
class WebSocketFrames {
 public:
  // Are all frames so far complete? True before the first one.
  [[nodiscard]] bool at_boundary() const noexcept { return have_ == 0 && payload_left_ == 0; }
  // How many of `bytes` complete the frame that has begun: none at a boundary, all if it needs more.
  [[nodiscard]] std::size_t until_boundary(std::string_view bytes) const noexcept;
  // Follows these bytes.
  void pass(std::string_view bytes) noexcept;
  // A Close frame has begun.
  [[nodiscard]] bool closing() const noexcept { return closing_; }

 private:
  // Takes bytes of the current frame's head or payload; returns how many.
  [[nodiscard]] std::size_t step(std::string_view bytes) noexcept;
  [[nodiscard]] std::size_t head_size() const noexcept;

  static constexpr std::size_t kMostHead = 14;
  std::array<unsigned char, kMostHead> head_{};
  std::size_t have_ = 0;  // bytes of the head; 0 between frames and within the payload
  std::uint64_t payload_left_ = 0;
  bool closing_ = false;
};

// A Close frame with this status; what a client sends is masked (with zeros: nothing in it is secret).
enum class CloseFrom : std::uint8_t { server, client };
class WebSocketClose {
 public:
  WebSocketClose(CloseFrom from, std::uint16_t status) noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, 8> bytes_{};
  std::size_t size_ = 0;
};

inline constexpr std::uint16_t kServiceRestart = 1012;  // IANA's registry of close codes
inline constexpr std::uint16_t kGoingAway = 1001;       // RFC 6455 section 7.4.1

}  // namespace gracevisor::proxy
