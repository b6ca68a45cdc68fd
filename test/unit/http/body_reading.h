// Bodies for tests: fed whole and in every two pieces and byte by byte, which must give the same.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/body.h"

namespace gracevisor::http::testing {

struct BodyReading {
  BodyReader::State state = BodyReader::State::reading;
  std::string content;
  std::size_t consumed = 0;

  bool operator==(const BodyReading&) const = default;
};

inline void feed(BodyReader& reader, std::string_view bytes, BodyReading& reading) {
  const std::string memory(bytes);  // its own: reading past its end is an error
  std::string_view rest(memory);
  while (!rest.empty() && reader.state() == BodyReader::State::reading) {
    const BodyReader::Step step = reader.next(rest);
    REQUIRE(step.consumed <= rest.size());
    REQUIRE(step.payload.size() <= step.consumed);
    REQUIRE((step.consumed > 0 || reader.state() != BodyReader::State::reading));
    reading.content += step.payload;
    reading.consumed += step.consumed;
    rest.remove_prefix(step.consumed);
  }
}

inline BodyReading read_pieces(const Framing& framing, std::uint64_t max_body,
                               const std::vector<std::string_view>& pieces, bool ends) {
  BodyReader reader;
  reader.start(framing, max_body);
  BodyReading reading;
  for (const std::string_view piece : pieces) feed(reader, piece, reading);
  if (ends) reader.end_of_input();
  reading.state = reader.state();
  return reading;
}

// `ends`: the connection ends behind the bytes.
inline BodyReading read_body(const Framing& framing, std::string_view bytes,
                             std::uint64_t max_body = UINT64_MAX, bool ends = false) {
  const BodyReading whole = read_pieces(framing, max_body, {bytes}, ends);
  const std::size_t stride = bytes.size() > 2000 ? bytes.size() / 200 : 1;
  for (std::size_t cut = 0; cut <= bytes.size(); cut += stride) {
    const BodyReading cut_reading =
        read_pieces(framing, max_body, {bytes.substr(0, cut), bytes.substr(cut)}, ends);
    CAPTURE(cut);
    CHECK(cut_reading == whole);
  }
  std::vector<std::string_view> single;
  single.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  CHECK(read_pieces(framing, max_body, single, ends) == whole);
  return whole;
}

inline BodyReading read_chunked(std::string_view bytes, std::uint64_t max_body = UINT64_MAX) {
  return read_body({.kind = Framing::Kind::chunked, .length = 0}, bytes, max_body);
}

}  // namespace gracevisor::http::testing
