#include "http/body.h"

#include <doctest/doctest.h>

#include "unit/http/body_reading.h"

namespace gracevisor::http::testing {

namespace {

using State = BodyReader::State;

Framing of_length(std::uint64_t length) {
  return {.kind = Framing::Kind::length, .length = length};
}
constexpr Framing kUntilClose{.kind = Framing::Kind::until_close, .length = 0};

}  // namespace

TEST_CASE("body: no body is finished at once and takes nothing") {
  const BodyReading reading = read_body({}, "GET / HTTP/1.1");
  CHECK(reading.state == State::finished);
  CHECK(reading.consumed == 0);
  CHECK(BodyReader().finished());
}

TEST_CASE("body: a counted body ends at its length and leaves what follows") {
  const BodyReading reading = read_body(of_length(5), "helloGET /");
  CHECK(reading.state == State::finished);
  CHECK(reading.content == "hello");
  CHECK(reading.consumed == 5);
}

TEST_CASE("body rule 9: a counted body that is cut short is not finished") {
  CHECK(read_body(of_length(50), "hello").state == State::reading);
  CHECK(read_body(of_length(50), "hello", UINT64_MAX, true).state == State::malformed);
  CHECK(read_body(of_length(UINT64_MAX), "hello").state == State::reading);
}

TEST_CASE("body: a counted body beyond the limit is refused before its first byte") {
  CHECK(read_body(of_length(6), "hello!", 5).state == State::too_large);
  CHECK(read_body(of_length(6), "hello!", 5).content.empty());
  CHECK(read_body(of_length(5), "hello", 5).state == State::finished);
}

TEST_CASE("body: a body until the end of the connection is finished by it alone") {
  CHECK(read_body(kUntilClose, "hello").state == State::reading);
  const BodyReading reading = read_body(kUntilClose, "hello", UINT64_MAX, true);
  CHECK(reading.state == State::finished);
  CHECK(reading.content == "hello");
  CHECK(read_body(kUntilClose, "", UINT64_MAX, true).state == State::finished);
}

TEST_CASE("body: a body until the end of the connection obeys the limit") {
  CHECK(read_body(kUntilClose, "hello", 5, true).state == State::finished);
  const BodyReading reading = read_body(kUntilClose, "hello!", 5, true);
  CHECK(reading.state == State::too_large);
  CHECK(reading.content == "hello");
}

TEST_CASE("body: a reader that is started again forgets the body before") {
  BodyReader reader;
  reader.start({.kind = Framing::Kind::chunked, .length = 0}, 3);
  CHECK(reader.next("4\r\n").consumed == 1);
  CHECK(reader.state() == State::too_large);
  reader.start(of_length(4));
  CHECK(reader.next("abcd").payload == "abcd");
  CHECK(reader.finished());
  reader.end_of_input();
  CHECK(reader.finished());
}

TEST_CASE("body: chunk lines are written in hexadecimal without leading zeros") {
  CHECK(ChunkLine(1).text() == "1\r\n");
  CHECK(ChunkLine(0x1a2b).text() == "1a2b\r\n");
  CHECK(ChunkLine(65536).text() == "10000\r\n");
  CHECK(ChunkLine(SIZE_MAX).text() == "ffffffffffffffff\r\n");
}

}  // namespace gracevisor::http::testing
