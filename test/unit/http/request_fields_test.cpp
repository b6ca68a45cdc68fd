#include <doctest/doctest.h>

#include "unit/http/reading.h"

namespace gracevisor::http::testing {

TEST_CASE("http rule 16: white space between the request line and the fields is refused") {
  check_refused("GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n", 400, "space-before-fields");
  check_refused("GET / HTTP/1.1\r\n\tX: y\r\nHost: h\r\n\r\n", 400, "space-before-fields");
  check_refused("GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n", 400, "space-before-fields");
}

TEST_CASE("http rule 21: a folded field is refused") {
  for (const std::string_view fields :
       {"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n b\r\n", "Content-Length:\r\n 5\r\n",
        "Transfer-Encoding:\r\n chunked\r\n", "Transfer-Encoding: chunked\r\n \r\n", "X: a\r\n \r\n"}) {
    check_refused(get_with(fields), 400, "folded-field");
  }
}

TEST_CASE("http rule 23: white space in front of the colon is refused") {
  check_refused(get_with("X : y\r\n"), 400, "space-before-colon");
  check_refused(get_with("X\t: y\r\n"), 400, "space-before-colon");
  check_refused(get_with("Content-Length : 5\r\n"), 400, "space-before-colon");
}

TEST_CASE("http rule 24: control characters in a value are refused") {
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\r' || c == '\n') continue;  // rules 14 and 15
    CAPTURE(c);
    const std::string bytes = get_with(std::string("X: a") + static_cast<char>(c) + "b\r\n");
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
      CHECK(accept_request(bytes).fields.back().value.size() == 3);
    } else {
      check_refused(bytes, 400, "control-byte");
    }
  }
}

TEST_CASE("http: a field's name is a token") {
  for (unsigned c = 0; c < 256; ++c) {
    if (c == '\r' || c == '\n' || c == ':' || c == ' ' || c == '\t') continue;
    CAPTURE(c);
    const std::string bytes = get_with(std::string("Xa") + static_cast<char>(c) + "b: v\r\n");
    const std::string_view tokens =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (tokens.find(static_cast<char>(c)) != std::string_view::npos) {
      CHECK(accept_request(bytes).fields.back().text.size() == 4);
    } else {
      check_refused(bytes, 400, "bad-field-name");
    }
  }
  check_refused(get_with(": v\r\n"), 400, "bad-field-name");
  check_refused(get_with("X\r\n"), 400, "bad-field-name");
}

TEST_CASE("http: values lose the white space around them and may be empty") {
  const std::string bytes = get_with("A:\r\nB: \r\nC:x\r\nD:\t x \t y\t \r\nE:\r\n");
  const RequestHead head = accept_request(bytes);
  REQUIRE(head.fields.size() == 6);
  CHECK(head.fields[1].text == "A");
  CHECK(head.fields[1].value.empty());
  CHECK(head.fields[2].text == "B");
  CHECK(head.fields[2].value.empty());
  CHECK(head.fields[3].value == "x");
  CHECK(head.fields[4].value == "x \t y");
  CHECK(head.fields[5].text == "E");
  CHECK(head.fields[5].value.empty());
}

TEST_CASE("http: as many fields as the limit are read, one more is 431") {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";  // and Host
  CHECK(accept_request(get_with(fields)).fields.size() == 100);
  check_refused(get_with(fields + "X: y\r\n"), 431, "too-many-fields");
}

TEST_CASE("http: a field line as long as the limit is read, a longer one is 431, complete or not") {
  const HeadLimits limits;
  const std::string fits = "X: " + std::string(limits.field - 3, 'y');
  CHECK(accept_request(get_with(fits + "\r\n")).fields.back().value.size() == limits.field - 3);
  check_refused(get_with(fits + "y\r\n"), 431, "field-too-large");
  check_refused("GET / HTTP/1.1\r\n" + std::string(limits.field + 2, 'y'), 431, "field-too-large");
}

TEST_CASE("http: a head as long as the limit is read, a longer one is 431, complete or not") {
  HeadLimits limits;
  limits.head = 300;
  const std::string frame = get_with("A: \r\nB: \r\n");
  const auto with = [&](std::size_t more) {
    return get_with("A: \r\nB: " + std::string(more, 'y') + "\r\n");
  };
  CHECK(accept_request(with(limits.head - frame.size()), limits).fields.size() == 3);
  check_refused(with(limits.head - frame.size() + 1), 431, "head-too-large", limits);
  check_refused("GET / HTTP/1.1\r\n" + std::string(400, 'y'), 431, "head-too-large", limits);
  check_refused("\r\n" + with(limits.head - frame.size()), 431, "head-too-large", limits);
}

TEST_CASE("http rule 29: more fields nominated in Connection than any client needs are refused") {
  std::string names;
  for (int i = 0; i < 32; ++i) names += ",x" + std::to_string(i);
  CHECK(accept_request(get_with("Connection: close" + names + "\r\n")).keep_alive == false);
  check_refused(get_with("Connection: close" + names + ",y\r\n"), 400, "too-many-connection-options");
  check_refused(get_with("Connection: close" + names + "\r\nConnection: y\r\n"), 400,
                "too-many-connection-options");
}

TEST_CASE("http rule 35: a request that came through ourselves too often is refused") {
  std::string via = "1.1 other, 1.1 gracevisorx";
  for (int i = 0; i < 8; ++i) via += ", 1.1 GraceVisor (comment)";
  CHECK(accept_request(get_with("Via: " + via + "\r\n")).fields.size() == 2);
  check_refused(get_with("Via: " + via + ", 1.0 gracevisor\r\n"), 508, "loop");
  check_refused(get_with("Via: " + via + "\r\nVia: 1.1 gracevisor\r\n"), 508, "loop");
}

TEST_CASE("http: a head that is used again holds nothing of the one before") {
  HeadReader reader;
  RequestHead head;
  const std::string first =
      "OPTIONS http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 3\r\nConnection: upgrade, "
      "close\r\nUpgrade: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  REQUIRE(reader.read_request(first, {}, head).state == HeadState::complete);
  CHECK(head.max_forwards == 3);
  CHECK(head.upgrade == "x");
  CHECK(head.expects_continue);
  REQUIRE(reader.read_request("GET / HTTP/1.0\r\n\r\n", {}, head).state == HeadState::complete);
  CHECK(head.method == Method::get);
  CHECK(head.target == "/");
  CHECK(head.path == "/");
  CHECK(head.authority.empty());
  CHECK(head.host.empty());
  CHECK(head.minor == 0);
  CHECK(head.fields.empty());
  CHECK(head.body.kind == Framing::Kind::none);
  CHECK_FALSE(head.keep_alive);
  CHECK_FALSE(head.expects_continue);
  CHECK(head.upgrade.empty());
  CHECK_FALSE(head.max_forwards);
}

}  // namespace gracevisor::http::testing
