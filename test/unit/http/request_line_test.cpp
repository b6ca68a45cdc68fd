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
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400, "control-byte");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\r\n\r\n", 400, "control-byte");
  check_refused("GET / HTTP/1.1\r\nHost: h\rX: a\r\n\r\n", 400, "control-byte");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nX\r: a\r\n\r\n", 400, "bad-field-name");
}

TEST_CASE("http rule 15: a line feed alone is refused at once") {
  check_refused("GET / HTTP/1.1\nHost: h\n\n", 400, "bare-lf");
  check_refused("GET / HTTP/1.1\r\nHost: h\n\r\n", 400, "bare-lf");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\n\n", 400, "bare-lf");
  check_refused("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400, "bare-lf");
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

std::string target_with(std::string_view before, char c) {
  return std::string("GET ").append(before) + c + "b HTTP/1.1\r\nHost: h\r\n\r\n";
}

TEST_CASE("http rule 18: a target passes as it was sent but for controls and space and DEL and #") {
  for (unsigned code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    CAPTURE(code);
    const bool refused = code <= 0x20 || code == 0x7f || c == '#';
    for (const std::string_view before : {"/a", "/?a", "http://h/a"}) {
      const std::string bytes = target_with(before, c);
      const RequestReading reading = read_request(bytes);
      if (c == '\n') continue;  // the line's end
      if (refused) {
        REQUIRE(reading.result.state == HeadState::refused);
        CHECK(reading.result.refusal.token() == "bad-target");
        CHECK(reading.result.refusal.byte == static_cast<int>(code));
      } else {
        REQUIRE(reading.result.state == HeadState::complete);
        const std::string path = std::string(before.substr(before.rfind('/'))) + c + "b";
        CHECK(reading.head.target == path);
        CHECK(reading.head.method == Method::get);
        CHECK(reading.head.fields.size() == 1);
      }
    }
  }
}

TEST_CASE("http rule 18: with strict targets characters that no target may hold are refused") {
  HeadLimits limits;
  limits.targets_as_sent = false;
  for (const char c : std::string_view("<>\"#\x01\x7f\x80\xff\0", 9)) {
    check_refused(target_with("/a", c), 400, "bad-target", limits);
    check_refused(target_with("/?a", c), 400, "bad-target", limits);
    const RequestReading reading = read_request(target_with("/a?b", c), limits);
    CHECK(reading.result.refusal.byte == static_cast<unsigned char>(c));
  }
  // Browsers send these as they are in a query, and "|" in a path as well.
  for (const char c : std::string_view("{}^`\\")) {
    check_refused(target_with("/a", c), 400, "bad-target", limits);
    CHECK(read_request(target_with("/?a", c), limits).result.state == HeadState::complete);
  }
  CHECK(read_request(target_with("/a", '|'), limits).result.state == HeadState::complete);
}

TEST_CASE("http rule 18: a target as it was sent is still a path or absolute or an asterisk") {
  for (const std::string_view target :
       {"a^b", "^", "?a^", "ftp://h/^", "http://u^@h/", "http://h^/", "http:/^", "*^", "//h\xff@/"}) {
    CAPTURE(target);
    const RequestReading reading =
        read_request(std::string("GET ").append(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const bool path = target.starts_with('/');
    REQUIRE(reading.result.state == (path ? HeadState::complete : HeadState::refused));
    if (!path) CHECK(reading.result.refusal.token() == "bad-target");
  }
}

TEST_CASE("http rule 19: every token of up to 32 bytes is a method and passes in its own case") {
  for (const std::string_view method : {"QUERY",
                                        "LIST",
                                        "VERSION-CONTROL",
                                        "BAN",
                                        "get",
                                        "Get",
                                        "GETT",
                                        "DESCRIBE",
                                        "ANNOUNCE",
                                        "PLAY",
                                        "FLUSH",
                                        "SOURCE",
                                        "GET_PARAMETER",
                                        "PROPFIND",
                                        "M-SEARCH",
                                        "X",
                                        "!#$%&'*+-.^_`|~",
                                        "connect",
                                        "trace",
                                        "pri"}) {
    CAPTURE(method);
    for (const std::string_view fields : {"", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"}) {
      const std::string bytes =
          std::string(method) + " /a?b HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\nabc";
      const RequestHead head = accept_request(bytes);
      CHECK(head.method == Method::other);
      CHECK(head.method_text == method);
      CHECK(head.method_text.data() == bytes.data());
      CHECK(head.target == "/a?b");
      CHECK(head.minor == 1);
      CHECK_FALSE(idempotent(head.method));
      const auto kind = fields.empty()              ? Framing::Kind::none
                        : fields.starts_with("Con") ? Framing::Kind::length
                                                    : Framing::Kind::chunked;
      CHECK(head.body.kind == kind);
    }
  }
  const std::string longest(32, 'A');
  CHECK(accept_request(longest + " / HTTP/1.0\r\n\r\n").minor == 0);
  CHECK(read_request(longest).result.state == HeadState::incomplete);
  check_refused(std::string(33, 'A'), 501, "method-too-long");
  check_refused(std::string(33, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method-too-long");
  check_refused(std::string(10000, 'A'), 501, "method-too-long");
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
