#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "unit/http/body_reading.h"

namespace gracevisor::http::testing {

namespace {

using State = BodyReader::State;

void check_content(std::string_view bytes, std::string_view content, std::string_view rest = "") {
  CAPTURE(bytes);
  const BodyReading reading = read_chunked(bytes);
  CHECK(reading.state == State::finished);
  CHECK(reading.content == content);
  CHECK(bytes.substr(reading.consumed) == rest);
}

void check_malformed(std::string_view bytes) {
  CAPTURE(bytes.substr(0, 100));
  CHECK(read_chunked(bytes).state == State::malformed);
}

}  // namespace

TEST_CASE("chunked: the content is what the chunks hold, and what follows is left") {
  check_content("5\r\nhello\r\n0\r\n\r\n", "hello");
  check_content("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", "GET /");
  check_content("0\r\n\r\n", "");
  check_content("00000\r\n\r\n", "");
  check_content("A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij");
  check_content("2\r\n\r\n\r\n0\r\n\r\n", "\r\n");
}

TEST_CASE("chunked rule 28: leading zeros are read and disappear") {
  check_content("0005\r\nhello\r\n0\r\n\r\n", "hello");
  check_content("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
  check_malformed("00000000000000005\r\nhello\r\n0\r\n\r\n");  // 17 digits
}

TEST_CASE("chunked rule 27: well-formed extensions are ignored") {
  for (const std::string_view extension :
       {";a=b", ";a", "; a=b", ";a=b;c=d", " ;a=b", "\t; a = b ; c", ";a=\"\"", ";a=\"x;y=z\"",
        R"(;a="q\"\\")", ";a=\"\xc3\xa4\" ;b", ";a = \"b\"", ";chunk-signature=0123456789abcdef"}) {
    check_content("5" + std::string(extension) + "\r\nhello\r\n0" + std::string(extension) + "\r\n\r\n",
                  "hello");
  }
}

TEST_CASE("chunked rule 27: malformed extensions are refused") {
  for (const std::string_view extension : {";",      ";=b",     ";a=",         ";a=b;",         ";a b",
                                           ";a=b c", ";a=\"b",  ";a=\"b\\",    ";a=\"b\"c",     " ",
                                           "\t",     " a",      ";a ",         ";a=b ",         ";a=\"b\" ",
                                           ";a\x01", ";a=\x80", ";a=\"\x01\"", ";a=\"\\\x01\"", ";\xff",
                                           ",a",     ";a=b\rc", ";a=\"b\rc\"", ";a/b",          ";a==b",
                                           ";;a"}) {
    check_malformed("5" + std::string(extension) + "\r\nhello\r\n0\r\n\r\n");
  }
  check_malformed("5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n");
}

TEST_CASE("chunked rule 27: extensions are limited per chunk and per body") {
  const std::string longest = ";a=" + std::string(253, 'x');  // 256
  check_content("1" + longest + "\r\nx\r\n0\r\n\r\n", "x");
  check_malformed("1" + longest + "x\r\nx\r\n0\r\n\r\n");
  check_malformed("1;a=\"" + std::string(65536, 'x') + "\"\r\nx\r\n0\r\n\r\n");
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += "1" + longest + "\r\nx\r\n";  // 8192
  check_content(bytes + "0\r\n\r\n", std::string(32, 'x'));
  check_malformed(bytes + "1;a\r\nx\r\n0\r\n\r\n");
  check_malformed(bytes + "1 ;a\r\nx\r\n0\r\n\r\n");
}

TEST_CASE("chunked: line ends are CRLF and nothing else") {
  for (const std::string_view bytes :
       {"5\nhello\r\n0\r\n\r\n", "5\rX", "5\rhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n", "5\r\nhello0\r\n\r\n", "0\r\n\n", "0\n\r\n",
        "0\r\n\rX", "0\r\n;", "5\r\r\nhello\r\n", "\r\n5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n", "\n0\r\n\r\n"}) {
    CAPTURE(bytes);
    const BodyReading reading = read_chunked(bytes);
    CHECK(reading.state == State::malformed);
  }
}

TEST_CASE("chunked: a size is hexadecimal digits alone") {
  for (const std::string_view size :
       {"", "x", "0x5", "-5", "+5", " 5", "5h", "5.", "\t5", "g", "5_0", "\xb2", "5\x0b"}) {
    check_malformed(std::string(size) + "\r\nhello\r\n0\r\n\r\n");
  }
}

TEST_CASE("chunked rule 8: sizes near and beyond 64 bits do not overflow") {
  check_malformed("FFFFFFFFFFFFFFFF0\r\n");
  check_malformed("10000000000000005\r\nhello\r\n");
  CHECK(read_chunked("FFFFFFFFFFFFFFFF\r\n").state == State::too_large);
  CHECK(read_chunked("8000000000000000\r\n").state == State::too_large);
  CHECK(read_chunked("80000001\r\n").state == State::too_large);
  CHECK(read_chunked("80000000\r\n").state == State::reading);
}

TEST_CASE("chunked: the sum of the chunks obeys the limit") {
  CHECK(read_chunked("5\r\nhello\r\n0\r\n\r\n", 5).state == State::finished);
  CHECK(read_chunked("6\r\nhello!\r\n0\r\n\r\n", 5).state == State::too_large);
  const BodyReading reading = read_chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 5);
  CHECK(reading.state == State::too_large);
  CHECK(reading.content == "abc");
  CHECK(read_chunked("0\r\n\r\n", 0).state == State::finished);
}

TEST_CASE("chunked rule 52: a body that is cut anywhere is not finished") {
  const std::string_view bytes = "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Framing chunked{.kind = Framing::Kind::chunked, .length = 0};
    CHECK(read_chunked(bytes.substr(0, size)).state == State::reading);
    CHECK(read_body(chunked, bytes.substr(0, size), UINT64_MAX, true).state == State::malformed);
  }
}

TEST_CASE("chunked rule 63: trailers are read and dropped") {
  check_content("5\r\nhello\r\n0\r\nHost: evil\r\nContent-Length: 9\r\nX:\r\n\r\nGET", "hello", "GET");
  check_content("0\r\nX: a\tb \xff\r\n\r\n", "");
}

TEST_CASE("chunked rule 63: malformed trailers are refused") {
  for (const std::string_view trailer :
       {" X: y\r\n", "X: a\r\n b\r\n", "X\r\n", ": y\r\n", "X : y\r\n", "X: a\rb\r\n", "X: a\nY: b\r\n",
        "X: a\x01\r\n", "X\x80: a\r\n", "X: a\x7f\r\n"}) {
    check_malformed("0\r\n" + std::string(trailer) + "\r\n");
  }
  check_malformed(std::string("0\r\nX: a") + '\0' + "\r\n\r\n");
}

TEST_CASE("chunked rule 63: trailers are limited in lines and bytes") {
  std::string lines = "0\r\n";
  for (int i = 0; i < 16; ++i) lines += "X: y\r\n";
  check_content(lines + "\r\n", "");
  check_malformed(lines + "X: y\r\n\r\n");
  const std::string longest = "X:" + std::string(8192 - 4, 'y');
  check_content("0\r\n" + longest + "\r\n\r\n", "");
  check_malformed("0\r\n" + longest + "y\r\n\r\n");
}

}  // namespace gracevisor::http::testing
