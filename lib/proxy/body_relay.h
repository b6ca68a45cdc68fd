// One message's content on its way: read as its sender delimits it, written as its receiver will understand
// it. Chunks that arrive in one read leave as one chunk. Thread: the owner's; holds no content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/body.h"
#include "proxy/pieces.h"

namespace gracevisor::proxy {

class BodyRelay {
 public:
  using State = http::BodyReader::State;

  // `to` must suit `from`: chunked or until_close fit anything, length only the same length.
  void start(const http::Framing& from, const http::Framing& to,
             std::uint64_t max_body = UINT64_MAX) noexcept;

  // Takes bytes and adds what is to be written for them; returns how many were taken. Call again with the
  // rest while state() is `reading`. The slices are valid until the next call and as long as `bytes`.
  [[nodiscard]] std::size_t next(std::string_view bytes, Pieces& pieces) noexcept;
  // The sender's connection ended; state() says whether that is how this content ends.
  void end_of_input(Pieces& pieces) noexcept;

  // Bytes of content so far, without their framing.
  [[nodiscard]] std::uint64_t content() const noexcept { return content_; }
  [[nodiscard]] State state() const noexcept { return reader_.state(); }
  [[nodiscard]] bool reading() const noexcept { return state() == State::reading; }
  [[nodiscard]] bool finished() const noexcept { return state() == State::finished; }

 private:
  http::BodyReader reader_;
  bool chunked_ = false;  // towards the receiver
  std::uint64_t content_ = 0;
  std::optional<http::ChunkLine> line_;
};

}  // namespace gracevisor::proxy
