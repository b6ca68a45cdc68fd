// The decoder's path through a chunked body (RFC 9112 section 7.1); everything else is malformed:
//
//   size_first -> size -> [extension...] -> size_lf -> data -> data_cr -> data_lf -> size_first
//                                              `-(0)-> trailer_first -> final_lf -> finished
//                                                        |       ^
//                                                        v       |
//                                  trailer_name -> trailer_value -> trailer_lf
#include "http/body.h"

#include <algorithm>
#include <cassert>

#include "http/characters.h"

namespace gracevisor::http {

namespace {

constexpr std::uint32_t kMaxSizeDigits = 16;
constexpr std::uint64_t kMaxChunk = std::uint64_t{1} << 31U;
constexpr std::uint32_t kMaxExtension = 256;
constexpr std::uint32_t kMaxTrailerLines = 16;

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace

void BodyReader::start(const Framing& framing, const BodyLimits& limits) noexcept {
  *this = BodyReader();
  kind_ = framing.kind;
  room_ = limits.content;
  extensions_left_ = limits.extensions;
  trailers_left_ = limits.trailers;
  switch (kind_) {
    case Framing::Kind::none: return;
    case Framing::Kind::length:
      left_ = framing.length;
      if (left_ > room_) {
        state_ = State::too_large;
      } else if (left_ > 0) {
        state_ = State::reading;
      }
      return;
    case Framing::Kind::chunked:
    case Framing::Kind::until_close: state_ = State::reading; return;
  }
}

BodyReader::Step BodyReader::next(std::string_view bytes) noexcept {
  if (state_ != State::reading || bytes.empty()) return {};
  switch (kind_) {
    case Framing::Kind::none: return {};
    case Framing::Kind::length: {
      const Step step = take(bytes);
      if (left_ == 0) state_ = State::finished;
      return step;
    }
    case Framing::Kind::chunked: return next_chunked(bytes);
    case Framing::Kind::until_close: {
      left_ = room_;
      const Step step = take(bytes);
      room_ = left_;
      if (step.consumed == 0) state_ = State::too_large;
      return step;
    }
  }
  return {};
}

void BodyReader::end_of_input() noexcept {
  if (state_ != State::reading) return;
  state_ = kind_ == Framing::Kind::until_close ? State::finished : State::malformed;
}

// The decoder's state stays where the error was found.
Reason BodyReader::reason() const noexcept {
  switch (chunk_) {
    case Chunk::size_first:
    case Chunk::size: return Reason::bad_chunk_size;
    case Chunk::gap:
    case Chunk::extension_first:
    case Chunk::extension_name:
    case Chunk::extension_name_end:
    case Chunk::extension_value_first:
    case Chunk::extension_value:
    case Chunk::extension_quoted:
    case Chunk::extension_escaped:
    case Chunk::extension_unquoted: return Reason::bad_chunk_extension;
    case Chunk::size_lf:
    case Chunk::data:
    case Chunk::data_cr:
    case Chunk::data_lf:
    case Chunk::final_lf: return Reason::bad_chunk_end;
    case Chunk::trailer_first:
    case Chunk::trailer_name:
    case Chunk::trailer_value:
    case Chunk::trailer_lf: return Reason::bad_trailer;
  }
  return Reason::bad_chunk_size;
}

void BodyReader::pass(std::uint64_t count) noexcept {
  assert(count <= left());
  left_ -= count;
  if (left_ == 0) state_ = State::finished;
}

// Content from the front of `bytes`, as much as `left_` allows.
BodyReader::Step BodyReader::take(std::string_view bytes) noexcept {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= size;
  return {.consumed = size, .payload = bytes.substr(0, size), .trailer = {}};
}

// Runs over framing until content, the end of the body or the end of the input.
BodyReader::Step BodyReader::next_chunked(std::string_view bytes) noexcept {
  std::size_t trailer = std::string_view::npos;  // where the trailer bytes begin; they come last
  std::size_t trailer_end = 0;
  const auto step = [&](std::size_t consumed) {
    const bool any = trailer < trailer_end;
    return Step{.consumed = consumed,
                .payload = {},
                .trailer = any ? bytes.substr(trailer, trailer_end - trailer) : std::string_view()};
  };
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (chunk_ == Chunk::data) {
      Step content = take(bytes.substr(at));
      content.consumed += at;
      if (left_ == 0) chunk_ = Chunk::data_cr;
      return content;
    }
    const bool in_trailer = chunk_ >= Chunk::trailer_first && chunk_ <= Chunk::trailer_lf;
    state_ = framing_byte(bytes[at]);
    if (state_ == State::finished) return step(at + 1);
    if (state_ != State::reading) return step(at);
    if (in_trailer && chunk_ != Chunk::final_lf) {
      trailer = std::min(trailer, at);
      trailer_end = at + 1;
    }
  }
  return step(bytes.size());
}

BodyReader::State BodyReader::go(Chunk next) noexcept {
  chunk_ = next;
  return State::reading;
}

BodyReader::State BodyReader::framing_byte(char c) noexcept {
  switch (chunk_) {
    case Chunk::size_first:
      left_ = 0;
      size_digits_ = 0;
      extension_bytes_ = 0;
      return hex_value(c) < 0 ? State::malformed : size_byte(c);
    case Chunk::size: return size_byte(c);
    case Chunk::gap:
    case Chunk::extension_first:
    case Chunk::extension_name:
    case Chunk::extension_name_end:
    case Chunk::extension_value_first:
    case Chunk::extension_value:
    case Chunk::extension_quoted:
    case Chunk::extension_escaped:
    case Chunk::extension_unquoted: return extension_byte(c);
    case Chunk::size_lf:
      if (c != '\n') return State::malformed;
      return go(left_ == 0 ? Chunk::trailer_first : Chunk::data);
    case Chunk::data: break;  // not framing
    case Chunk::data_cr: return c == '\r' ? go(Chunk::data_lf) : State::malformed;
    case Chunk::data_lf: return c == '\n' ? go(Chunk::size_first) : State::malformed;
    case Chunk::trailer_first:
    case Chunk::trailer_name:
    case Chunk::trailer_value:
    case Chunk::trailer_lf: return trailer_byte(c);
    case Chunk::final_lf: return c == '\n' ? State::finished : State::malformed;
  }
  return State::malformed;
}

BodyReader::State BodyReader::size_byte(char c) noexcept {
  const int digit = hex_value(c);
  if (digit < 0) return size_end(c);
  if (++size_digits_ > kMaxSizeDigits) return State::malformed;
  left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
  return go(Chunk::size);
}

// What may follow the size or a whole extension: the line's end, another extension, or white space before it.
BodyReader::State BodyReader::size_end(char c) noexcept {
  if (c != '\r') {
    if (c != ';' && !is_space(c)) return State::malformed;
    if (extensions_left_ == 0) {
      chunk_ = Chunk::gap;  // for reason()
      return State::malformed;
    }
    --extensions_left_;
    ++extension_bytes_;
    return go(c == ';' ? Chunk::extension_first : Chunk::gap);
  }
  if (left_ > kMaxChunk || left_ > room_) return State::too_large;
  room_ -= left_;
  return go(Chunk::size_lf);
}

// Extensions are parsed and dropped, but must be well-formed (RFC 9112 section 7.1.1).
BodyReader::State BodyReader::extension_byte(char c) noexcept {
  const bool token = is(kTokenCharacter, c);
  if (c != '\r') {
    if (++extension_bytes_ > kMaxExtension || extensions_left_ == 0) return State::malformed;
    --extensions_left_;
  }
  const auto go_if = [this](bool condition, Chunk next) { return condition ? go(next) : State::malformed; };
  const auto whole = [this, c](Chunk same, bool stays) {  // a whole extension has been read; it may continue
    if (stays) return go(same);
    if (c == ';') return go(Chunk::extension_first);
    return c == '\r' ? size_end(c) : State::malformed;
  };
  switch (chunk_) {
    case Chunk::gap: return is_space(c) ? State::reading : go_if(c == ';', Chunk::extension_first);
    case Chunk::extension_first: return is_space(c) ? State::reading : go_if(token, Chunk::extension_name);
    case Chunk::extension_name:
      if (c == '=') return go(Chunk::extension_value_first);
      return is_space(c) ? go(Chunk::extension_name_end) : whole(Chunk::extension_name, token);
    case Chunk::extension_name_end:
      if (c == '=') return go(Chunk::extension_value_first);
      return is_space(c) ? State::reading : go_if(c == ';', Chunk::extension_first);
    case Chunk::extension_value_first:
      if (c == '"') return go(Chunk::extension_quoted);
      return is_space(c) ? State::reading : go_if(token, Chunk::extension_value);
    case Chunk::extension_value: return is_space(c) ? go(Chunk::gap) : whole(Chunk::extension_value, token);
    case Chunk::extension_quoted:
      if (c == '"') return go(Chunk::extension_unquoted);
      return go_if(is(kValueCharacter, c), c == '\\' ? Chunk::extension_escaped : Chunk::extension_quoted);
    case Chunk::extension_escaped: return go_if(is(kValueCharacter, c), Chunk::extension_quoted);
    case Chunk::extension_unquoted:
      return is_space(c) ? go(Chunk::gap) : whole(Chunk::extension_unquoted, false);
    case Chunk::size_first:
    case Chunk::size:
    case Chunk::size_lf:
    case Chunk::data:
    case Chunk::data_cr:
    case Chunk::data_lf:
    case Chunk::trailer_first:
    case Chunk::trailer_name:
    case Chunk::trailer_value:
    case Chunk::trailer_lf:
    case Chunk::final_lf: break;  // not part of an extension
  }
  return State::malformed;
}

// Trailer fields are checked and counted; they never become header fields (RFC 9110 section 6.5).
BodyReader::State BodyReader::trailer_byte(char c) noexcept {
  if (chunk_ == Chunk::trailer_first && c == '\r') return go(Chunk::final_lf);
  if (trailers_left_ == 0) return State::malformed;
  --trailers_left_;
  if (chunk_ == Chunk::trailer_first) {
    if (!is(kTokenCharacter, c) || ++trailer_lines_ > kMaxTrailerLines) return State::malformed;
    return go(Chunk::trailer_name);
  }
  if (chunk_ == Chunk::trailer_name) {
    if (c == ':') return go(Chunk::trailer_value);
    return is(kTokenCharacter, c) ? State::reading : State::malformed;
  }
  if (chunk_ == Chunk::trailer_value) {
    if (c == '\r') return go(Chunk::trailer_lf);
    return is(kValueCharacter, c) ? State::reading : State::malformed;
  }
  return c == '\n' ? go(Chunk::trailer_first) : State::malformed;
}

ChunkLine::ChunkLine(std::size_t size) noexcept : begin_(digits_.size() - kChunkEnd.size()) {
  std::copy(kChunkEnd.begin(), kChunkEnd.end(),
            digits_.end() - static_cast<std::ptrdiff_t>(kChunkEnd.size()));
  do {
    digits_[--begin_] = "0123456789abcdef"[size & 15U];
    size >>= 4U;
  } while (size != 0);
}

}  // namespace gracevisor::http
