#include "base/byte_buffer.h"

#include <doctest/doctest.h>

#include <string>

using gracevisor::base::ByteBuffer;

TEST_CASE("byte buffer: bytes leave in the order in which they came") {
  ByteBuffer buffer;
  CHECK(buffer.empty());
  buffer.append("hello ");
  buffer.append("world");
  CHECK(buffer.size() == 11);
  buffer.consume(6);
  CHECK(buffer.data() == "world");
  buffer.append("!");
  CHECK(buffer.data() == "world!");
  buffer.consume(6);
  CHECK(buffer.empty());
  CHECK(buffer.data().empty());
  buffer.append("again");
  CHECK(buffer.data() == "again");
}

TEST_CASE("byte buffer: consuming nothing and appending nothing change nothing") {
  ByteBuffer buffer;
  buffer.consume(0);
  buffer.append("");
  CHECK(buffer.empty());
  buffer.append("x");
  buffer.consume(0);
  CHECK(buffer.data() == "x");
}

TEST_CASE("byte buffer: clear and release empty it, and it can be used again") {
  ByteBuffer buffer;
  buffer.append("abc");
  buffer.consume(1);
  buffer.clear();
  CHECK(buffer.empty());
  buffer.append("def");
  buffer.consume(2);
  buffer.release();
  CHECK(buffer.empty());
  buffer.append("ghi");
  CHECK(buffer.data() == "ghi");
}

TEST_CASE("byte buffer: any mix of appends and consumes equals a plain queue") {
  ByteBuffer buffer;
  std::string expected;
  unsigned random = 1;
  for (int i = 0; i < 20000; ++i) {
    random = random * 1103515245U + 12345U;
    std::string more((random >> 16) % 7, static_cast<char>('a' + i % 26));
    buffer.append(more);
    expected += more;
    std::size_t gone = (random >> 8) % (expected.size() + 1);
    buffer.consume(gone);
    expected.erase(0, gone);
    REQUIRE(buffer.data() == expected);
  }
}
