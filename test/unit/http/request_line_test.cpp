#include <doctest/doctest.h>

#include <array>

#include "unit/http/reading.h"

namespace gracevisor::http::testing {

TEST_CASE("http: a request's parts point into its bytes") {
  const std::string_view bytes =
      "POST /a/b?c=d HTTP/1.1\r\nHost: Example.com:8080\r\nX-A:  v w \r\nContent-Length: 3\r\n\r\nabcGET";
  const RequestReading reading = read_request(bytes);
  REQUIRE(reading.result.state == HeadState::complete);
  CHECK(bytes.substr(reading.result.size) == "abcGET");
  CHECK(reading.head.method == Method::post);
  CHECK(reading.head.method_text == "POST");
  CHECK(reading.head.target == "/a/b?c=d");
  CHECK(reading.head.path == "/a/b");
  CHECK(reading.head.authority == "Example.com:8080");
  CHECK(reading.head.host == "example.com");
  CHECK(reading.head.minor == 1);
  REQUIRE(reading.head.fields.size() == 3);
  CHECK(reading.head.fields[1].text == "X-A");
  CHECK(reading.head.fields[1].value == "v w");
  CHECK(reading.head.body.kind == Framing::Kind::length);
  CHECK(reading.head.body.length == 3);
  CHECK(reading.head.target.data() == bytes.data() + 5);
}

TEST_CASE("http: an unfinished head is incomplete, never refused") {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n";
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK(read_request(bytes.substr(0, size)).result.state == HeadState::incomplete);
  }
}

TEST_CASE("http rule 13: one empty line before a request is ignored, anything else there is refused") {
  const RequestReading reading = read_request("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(reading.result.state == HeadState::complete);
  CHECK(reading.result.size == 29);
  CHECK(read_request("\r").result.state == HeadState::incomplete);
  CHECK(read_request("\r\n").result.state == HeadState::incomplete);
  for (const std::string_view prefix : {"\n", "\r\n\r\n", "\r\n\n", "\r\r\n", " ", "\t"}) {
    check_refused(std::string(prefix) + "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-request-line");
  }
}

TEST_CASE("http rule 13: a carriage return in front is refused for itself, whatever follows") {
  check_refused("\r\xf2" + std::string(40, 'O') + "?", 400, "bad-request-line");
  check_refused("\rX" + std::string(40, 'O'), 400, "bad-request-line");
}

TEST_CASE("http rule 14: a carriage return alone is refused wherever it stands") {
  check_refused("GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET / HTTP/1.1\rHost: h\r\n\r\n", 400, "bad-request-line");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400, "bad-field-value");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\r\n\r\n", 400, "bad-field-value");
  check_refused("GET / HTTP/1.1\r\nHost: h\rX: a\r\n\r\n", 400, "bad-field-value");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX\r: a\r\n\r\n", 400, "bad-field-name");
}

TEST_CASE("http rule 15: a line feed alone is refused at once") {
  check_refused("GET / HTTP/1.1\nHost: h\n\n", 400, "bare-line-feed");
  check_refused("GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "bare-line-feed");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\n\n", 400, "bare-line-feed");
  check_refused("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400, "bare-line-feed");
}

TEST_CASE("http rule 17: garbage is refused at its first byte, TLS with a word of its own") {
  check_refused("\x16\x03\x01\x02", 400, "tls-on-plain-port");
  check_refused(std::string_view("\0\0\0", 3), 400, "bad-request-line");
  check_refused("\xff\xfe", 400, "bad-request-line");
  check_refused(":: / HTTP/1.1\r\n\r\n", 400, "bad-request-line");
  check_refused("{\"a\": 1}\r\n\r\n", 400, "bad-request-line");
}

TEST_CASE("http rule 18: a request line that does not match the grammar is not corrected") {
  for (const std::string_view line :
       {"GET  / HTTP/1.1", "GET /a b HTTP/1.1", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/1.1 ",
        "GET", "GET /", "GET / ", "GET HTTP/1.1", "GET / http/1.1", "GET / HTTP/1", "GET / HTTP/",
        "GET / HTTP/1.1x", "GET / HTTP/11", "GET / RTSP/1.0", "GET / ICE/1.0", "GET /\tx HTTP/1.1",
        "G\xc3\xa9T / HTTP/1.1"}) {
    CAPTURE(line);
    const std::string bytes = std::string(line) + "\r\nHost: h\r\n\r\n";
    const RequestReading reading = read_request(bytes);
    REQUIRE(reading.result.state == HeadState::refused);
    const int status = reading.result.refusal.status;
    const bool odd_version = line == "GET / HTTP/1" || line == "GET / HTTP/11";
    CHECK(status == (odd_version ? 505 : 400));
  }
}

TEST_CASE("http rule 18: characters that no target may hold are refused") {
  const auto target_with = [](const char* before, char c) {
    return std::string("GET ") + before + c + "b HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  for (const char c : std::string_view("<>\"#\x01\x7f\x80\xff", 8)) {
    check_refused(target_with("/a", c), 400, "bad-target");
    check_refused(target_with("/?a", c), 400, "bad-target");
  }
  // Browsers send these as they are in a query, and "|" in a path as well.
  for (const char c : std::string_view("{}^`\\")) {
    check_refused(target_with("/a", c), 400, "bad-target");
    CHECK(read_request(target_with("/?a", c)).result.state == HeadState::complete);
  }
  CHECK(read_request(target_with("/a", '|')).result.state == HeadState::complete);
  check_refused(std::string_view("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", 30), 400, "bad-target");
}

TEST_CASE("http rule 19: a method that nobody knows is 501, an endless one too") {
  for (const std::string_view method :
       {"FOOBAR", "get", "Get", "GETT", "DESCRIBE", "ANNOUNCE", "PLAY", "FLUSH", "QUERY", "X"}) {
    check_refused(std::string(method) + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "unknown-method");
  }
  check_refused(std::string(10000, 'A'), 501, "unknown-method");
  check_refused(std::string(33, 'A'), 501, "unknown-method");
  CHECK(read_request(std::string(32, 'A')).result.state == HeadState::incomplete);
}

TEST_CASE("http rule 19: a target longer than the limit is 414, complete or not") {
  const HeadLimits limits;
  const std::string fits = "/" + std::string(limits.target - 1, 'a');
  CHECK(accept_request("GET " + fits + " HTTP/1.1\r\nHost: h\r\n\r\n").target == fits);
  check_refused("GET " + fits + "a HTTP/1.1\r\nHost: h\r\n\r\n", 414, "target-too-long");
  check_refused("GET /" + std::string(65536, 'a'), 414, "target-too-long");
}

TEST_CASE("http rule 20: only HTTP/1.0 and HTTP/1.1 are spoken") {
  for (const std::string_view version :
       {"HTTP/2.0", "HTTP/9.9", "HTTP/0.9", "HTTP/1.2", "HTTP/2", "HTTP/1.10"}) {
    check_refused("GET / " + std::string(version) + "\r\nHost: h\r\n\r\n", 505, "unsupported-version");
  }
  check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "unsupported-version");
  check_refused("PRI * HTTP/1.1\r\nHost: h\r\n\r\n", 501, "unknown-method");
  check_refused("GET /\r\n", 400, "bad-request-line");  // HTTP/0.9 does not wait for more
}

TEST_CASE("http: the methods that have rules of their own are told apart") {
  struct Row {
    std::string_view text;
    Method method;
    bool idempotent;
  };
  constexpr std::array<Row, 10> kRows = {{{"GET", Method::get, true},
                                          {"HEAD", Method::head, true},
                                          {"POST", Method::post, false},
                                          {"PUT", Method::put, true},
                                          {"DELETE", Method::delete_, true},
                                          {"OPTIONS", Method::options, true},
                                          {"PATCH", Method::patch, false},
                                          {"PROPFIND", Method::other, false},
                                          {"M-SEARCH", Method::other, false},
                                          {"LOCK", Method::other, false}}};
  for (const Row& row : kRows) {
    const std::string bytes = std::string(row.text) + " / HTTP/1.1\r\nHost: h\r\n\r\n";
    const RequestHead head = accept_request(bytes);
    CHECK(head.method == row.method);
    CHECK(head.method_text == row.text);
    CHECK(idempotent(head.method) == row.idempotent);
  }
  CHECK(idempotent(Method::trace));
  CHECK_FALSE(idempotent(Method::connect));
}

TEST_CASE("http rule 45: CONNECT is not allowed") {
  check_refused("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 405, "method-not-allowed");
}

TEST_CASE("http rule 59: TRACE is not allowed") {
  check_refused("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 405, "method-not-allowed");
}

}  // namespace gracevisor::http::testing
