// Message bodies: counted, decoded from chunks by one strict decoder, or read until the connection closes.
// Requests and responses alike. Thread: the owner's; holds no memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/head.h"
#include "http/limits.h"
#include "http/reasons.h"

namespace gracevisor::http {

class BodyReader {
 public:
  enum class State : std::uint8_t { reading, finished, malformed, too_large };

  struct Step {
    std::size_t consumed = 0;  // bytes of the input that were processed
    std::string_view payload;  // the content in them: a slice of the input, perhaps empty
    std::string_view trailer;  // the trailer lines in them, checked, with their line ends
  };

  void start(const Framing& framing, const BodyLimits& limits) noexcept;
  void start(const Framing& framing, std::uint64_t max_body = UINT64_MAX) noexcept {
    start(framing, BodyLimits{.content = max_body});
  }

  // Takes the next piece: call again with the rest until consumed == bytes.size() or state() is not
  // `reading`. Bytes after the end of the body are left unconsumed.
  [[nodiscard]] Step next(std::string_view bytes) noexcept;
  // The connection ended: finished if that is how this body ends, otherwise malformed (truncated).
  void end_of_input() noexcept;

  // For a body of known length, the bytes still to come; they need not go through next().
  [[nodiscard]] std::uint64_t left() const noexcept { return kind_ == Framing::Kind::length ? left_ : 0; }
  // `count` bytes did not go through next(). Requires: count <= left().
  void pass(std::uint64_t count) noexcept;

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool finished() const noexcept { return state_ == State::finished; }
  // For a body found malformed before the connection ended: what is wrong.
  [[nodiscard]] Reason reason() const noexcept;

 private:
  // Where the chunked decoder stands (RFC 9112 section 7.1).
  enum class Chunk : std::uint8_t {
    size_first,
    size,
    gap,  // white space before a ';'
    extension_first,
    extension_name,
    extension_name_end,
    extension_value_first,
    extension_value,
    extension_quoted,
    extension_escaped,
    extension_unquoted,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    final_lf,
  };
  [[nodiscard]] Step take(std::string_view bytes) noexcept;
  [[nodiscard]] Step next_chunked(std::string_view bytes) noexcept;
  [[nodiscard]] State size_byte(char c) noexcept;
  [[nodiscard]] State size_end(char c) noexcept;
  [[nodiscard]] State extension_byte(char c) noexcept;
  [[nodiscard]] State trailer_byte(char c) noexcept;
  [[nodiscard]] State framing_byte(char c) noexcept;
  [[nodiscard]] State go(Chunk next) noexcept;

  State state_ = State::finished;
  Framing::Kind kind_ = Framing::Kind::none;
  Chunk chunk_ = Chunk::size_first;
  std::uint64_t left_ = 0;           // bytes of the body (length) or of the chunk
  std::uint64_t room_ = UINT64_MAX;  // content still allowed
  std::uint32_t size_digits_ = 0;
  std::uint32_t extension_bytes_ = 0;  // in this chunk
  std::uint64_t extensions_left_ = 0;
  std::uint64_t trailers_left_ = 0;
  std::uint32_t trailer_lines_ = 0;
};

// The line before a chunk: "1a2b\r\n". The chunk's data and kChunkEnd follow.
class ChunkLine {
 public:
  explicit ChunkLine(std::size_t size) noexcept;
  [[nodiscard]] std::string_view text() const noexcept {
    return {digits_.data() + begin_, digits_.size() - begin_};
  }

 private:
  std::array<char, 18> digits_{};
  std::size_t begin_;
};
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace gracevisor::http
