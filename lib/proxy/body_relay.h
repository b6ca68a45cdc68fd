// A request's content on its way to the app: read as the client delimits it, written as the app's connection
// frames it. Chunks that arrive in one read leave as one chunk. Thread: the owner's; holds no content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/content_reader.h"

namespace gracevisor::proxy {

class BodyRelay {
 public:
  using State = ContentReader::State;

  // `to` must suit `from`: chunked or until_close fit anything, length fits only the same length. `trailers`:
  // see ContentReader; they pass if the content stays chunked.
  void start(const http::Framing& from, const http::Framing& to, const http::BodyLimits& limits,
             const std::vector<std::string>* trailers = nullptr) noexcept;
  void start(const http::Framing& from, const http::Framing& to,
             std::uint64_t max_body = UINT64_MAX) noexcept {
    start(from, to, http::BodyLimits{.content = max_body});
  }

  // For a receiver that is told the length once it is known: from start() to restore_chunks(), a body that
  // would leave in chunks is handed on as bare content.
  void withhold_chunks() noexcept { withheld_ = true; }
  // Back to chunks. The caller frames the content so far; if the body has ended, its end is added.
  void restore_chunks(Pieces& pieces) noexcept;
  // Does it leave in chunks?
  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  // Has it ended with trailer fields that pass? Only chunks can carry them.
  [[nodiscard]] bool has_trailers() const noexcept { return chunked_ && !reader_.trailers().empty(); }

  // Takes bytes and adds to `pieces` what is to be written for them; returns how many were taken. Call again
  // with the rest while state() is `reading`. The slices are valid until the next call, if `bytes` is valid
  // that long.
  [[nodiscard]] std::size_t next(std::string_view bytes, Pieces& pieces) noexcept;

  // plain_left(): how many bytes, as far as is known, are still to come and will leave unchanged. pass():
  // tells that `count` of them did.
  [[nodiscard]] std::uint64_t plain_left() const noexcept { return chunked_ ? 0 : reader_.plain_left(); }
  void pass(std::uint64_t count) noexcept { reader_.pass(count); }

  // Bytes of content so far, without their framing.
  [[nodiscard]] std::uint64_t content() const noexcept { return reader_.content(); }
  [[nodiscard]] State state() const noexcept { return reader_.state(); }
  [[nodiscard]] bool reading() const noexcept { return reader_.reading(); }
  [[nodiscard]] bool finished() const noexcept { return reader_.finished(); }
  [[nodiscard]] http::Reason reason() const noexcept { return reader_.reason(); }

 private:
  ContentReader reader_;
  bool chunked_ = false;   // towards the receiver
  bool withheld_ = false;  // the chunk framing, for now
  std::optional<http::ChunkLine> line_;
};

}  // namespace gracevisor::proxy
