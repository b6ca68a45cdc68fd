// Reads one message's content as its sender delimits it. Thread: the owner's; holds no content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"
#include "proxy/content.h"

namespace gracevisor::proxy {

class ContentReader {
 public:
  using State = http::BodyReader::State;

  // A trailer field passes if its name, in lower case, is in `trailers` (null: none passes; RFC 9110 section
  // 6.5.1).
  void start(const http::Framing& from, const http::BodyLimits& limits,
             const std::vector<std::string>* trailers = nullptr) noexcept;

  // Takes bytes and adds to `pieces` the content in them; returns how many were taken. Call again with the
  // rest while state() is `reading`. The slices are valid as long as `bytes` is.
  [[nodiscard]] std::size_t next(std::string_view bytes, Pieces& pieces) noexcept;
  // The sender's connection ended; state() then says whether this content ends that way.
  void end_of_input() noexcept { reader_.end_of_input(); }

  // plain_left(): how many bytes, as far as is known, are still to come and will leave unchanged. pass():
  // tells that `count` of them did.
  [[nodiscard]] std::uint64_t plain_left() const noexcept { return reader_.left(); }
  void pass(std::uint64_t count) noexcept {
    content_ += count;
    reader_.pass(count);
  }

  // What next() has added to `pieces`, for the receiver.
  [[nodiscard]] Content of(const Pieces& pieces) const noexcept {
    return {.pieces = pieces, .last = finished(), .trailers = trailers()};
  }
  // The trailer lines that pass, once the content has ended.
  [[nodiscard]] std::string_view trailers() const noexcept {
    return finished() ? std::string_view(trailer_) : std::string_view();
  }
  // Bytes of content so far, without their framing.
  [[nodiscard]] std::uint64_t content() const noexcept { return content_; }
  [[nodiscard]] State state() const noexcept { return reader_.state(); }
  [[nodiscard]] bool reading() const noexcept { return state() == State::reading; }
  [[nodiscard]] bool finished() const noexcept { return state() == State::finished; }
  // Why it is malformed: see http::BodyReader.
  [[nodiscard]] http::Reason reason() const noexcept { return reader_.reason(); }

 private:
  http::BodyReader reader_;
  const std::vector<std::string>* trailers_ = nullptr;
  std::string trailer_;  // the lines that came; once the body has ended, those that pass
  std::uint64_t content_ = 0;
};

}  // namespace gracevisor::proxy
