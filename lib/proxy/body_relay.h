// One message's content on its way: read as its sender delimits it, written as its receiver will understand
// it. Chunks that arrive in one read leave as one chunk. Thread: the owner's; holds no content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"
#include "proxy/pieces.h"

namespace gracevisor::proxy {

class BodyRelay {
 public:
  using State = http::BodyReader::State;

  // `to` must suit `from`: chunked or until_close fit anything, length only the same length. If the content
  // stays chunked, the trailer fields whose lower-case names are in `trailers` pass (null: none; RFC 9110
  // section 6.5.1).
  void start(const http::Framing& from, const http::Framing& to, const http::BodyReader::Limits& limits,
             const std::vector<std::string>* trailers = nullptr) noexcept;
  void start(const http::Framing& from, const http::Framing& to,
             std::uint64_t max_body = UINT64_MAX) noexcept {
    start(from, to, http::BodyReader::Limits{.content = max_body});
  }

  // For a receiver that is told the length once it is known: from start() to restore_chunks(), a body that
  // would leave in chunks is handed on as bare content.
  void withhold_chunks() noexcept { withheld_ = true; }
  // Back to chunks. The caller frames the content so far; if the body has ended, its end is added.
  void restore_chunks(Pieces& pieces) noexcept;
  // Does it leave in chunks?
  [[nodiscard]] bool chunked() const noexcept { return chunked_; }
  // Has it ended with trailer fields that pass? Only chunks can carry them.
  [[nodiscard]] bool has_trailers() const noexcept { return finished() && !trailer_.empty(); }

  // Takes bytes and adds to `pieces` what is to be written for them; returns how many were taken. Call again
  // with the rest while state() is `reading`. The slices are valid until the next call and as long as
  // `bytes`.
  [[nodiscard]] std::size_t next(std::string_view bytes, Pieces& pieces) noexcept;
  // The sender's connection ended; state() says whether that is how this content ends.
  void end_of_input(Pieces& pieces) noexcept;

  // How many bytes are still to come and to leave unchanged, as far as is known; and: `count` of them did.
  [[nodiscard]] std::uint64_t plain_left() const noexcept { return chunked_ ? 0 : reader_.left(); }
  void pass(std::uint64_t count) noexcept {
    content_ += count;
    reader_.pass(count);
  }

  // Bytes of content so far, without their framing.
  [[nodiscard]] std::uint64_t content() const noexcept { return content_; }
  [[nodiscard]] State state() const noexcept { return reader_.state(); }
  [[nodiscard]] bool reading() const noexcept { return state() == State::reading; }
  [[nodiscard]] bool finished() const noexcept { return state() == State::finished; }
  // Why it is malformed: see http::BodyReader.
  [[nodiscard]] http::Reason reason() const noexcept { return reader_.reason(); }

 private:
  void add_end(Pieces& pieces) noexcept;

  http::BodyReader reader_;
  bool chunked_ = false;   // towards the receiver
  bool withheld_ = false;  // but not yet
  const std::vector<std::string>* trailers_ = nullptr;
  std::string trailer_;  // the lines that came; once the body has ended, those that pass
  std::uint64_t content_ = 0;
  std::optional<http::ChunkLine> line_;
};

}  // namespace gracevisor::proxy
