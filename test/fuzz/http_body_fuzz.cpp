// Bodies of every framing. The input's first bytes choose the framing, the limit and the seed of the cuts;
// the rest is what arrives. Oracles: any cutting gives the same content, end and rest; written as chunks
// again and read, the content is the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/body.h"

namespace {

using gracevisor::http::BodyReader;
using gracevisor::http::ChunkLine;
using gracevisor::http::Framing;

struct Reading {
  BodyReader::State state = BodyReader::State::reading;
  std::string content;
  std::size_t consumed = 0;

  bool operator==(const Reading&) const = default;
};

void require(bool condition) {
  if (!condition) std::abort();
}

// `seed` 0: in one piece; otherwise cut into pieces whose sizes follow from it.
Reading read(const Framing& framing, std::uint64_t max_body, std::string_view bytes, std::uint32_t seed) {
  BodyReader reader;
  reader.start(framing, max_body);
  Reading reading;
  while (!bytes.empty() && reader.state() == BodyReader::State::reading) {
    std::size_t size = bytes.size();
    if (seed != 0) {
      seed = seed * 1664525U + 1013904223U;
      size = std::min<std::size_t>(size, 1 + (seed >> 24U) % 7);
      if (seed == 0) seed = 1;
    }
    const std::string piece(bytes.substr(0, size));
    std::string_view rest(piece);
    while (!rest.empty() && reader.state() == BodyReader::State::reading) {
      const BodyReader::Step step = reader.next(rest);
      require(step.consumed <= rest.size() && step.payload.size() <= step.consumed);
      require(step.consumed > 0 || reader.state() != BodyReader::State::reading);
      reading.content += step.payload;
      reading.consumed += step.consumed;
      rest.remove_prefix(step.consumed);
    }
    bytes.remove_prefix(size);
  }
  reader.end_of_input();
  reading.state = reader.state();
  require(reading.state != BodyReader::State::reading);
  require(reading.content.size() <= max_body);
  return reading;
}

void check_written_again(const Reading& reading) {
  std::string chunks;
  for (std::size_t at = 0; at < reading.content.size(); at += 37) {
    const std::string_view piece = std::string_view(reading.content).substr(at, 37);
    chunks.append(ChunkLine(piece.size()).text()).append(piece).append(gracevisor::http::kChunkEnd);
  }
  chunks += gracevisor::http::kLastChunk;
  const Reading again = read({.kind = Framing::Kind::chunked, .length = 0}, UINT64_MAX, chunks, 7);
  require(again.state == BodyReader::State::finished);
  require(again.content == reading.content && again.consumed == chunks.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  constexpr Framing::Kind kKinds[] = {Framing::Kind::chunked,     Framing::Kind::chunked,
                                      Framing::Kind::chunked,     Framing::Kind::length,
                                      Framing::Kind::until_close, Framing::Kind::none};
  Framing framing{.kind = kKinds[data[0] % 6U], .length = 0};
  if (framing.kind == Framing::Kind::length) framing.length = data[1];
  const std::uint64_t max_body = data[2] == 0 ? UINT64_MAX : data[2];
  const std::string bytes(reinterpret_cast<const char*>(data + 4), size - 4);
  const Reading whole = read(framing, max_body, bytes, 0);
  require(read(framing, max_body, bytes, 1U + data[3]) == whole);
  require(read(framing, max_body, bytes, 0x9e3779b9U + data[3]) == whole);
  check_written_again(whole);
  return 0;
}
