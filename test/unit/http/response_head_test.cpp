#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "unit/http/reading.h"

namespace gracevisor::http::testing {

TEST_CASE("http: a response's parts point into its bytes") {
  const std::string_view bytes = "HTTP/1.1 404 Not  Found \r\nX-A: 1\r\nContent-Length: 2\r\n\r\nokHTTP";
  const ResponseReading reading = read_response(bytes);
  REQUIRE(reading.result.state == HeadState::complete);
  CHECK(bytes.substr(reading.result.size) ==
        "okHTTP");  // rule 25: what follows the body is the caller's to refuse
  CHECK(reading.head.status == 404);
  CHECK(reading.head.reason.starts_with("Not  Found"));
  CHECK(reading.head.minor == 1);
  CHECK(reading.head.fields.size() == 2);
  CHECK(reading.head.body.length == 2);
  CHECK(reading.head.keep_alive);
  CHECK_FALSE(reading.head.interim());
}

TEST_CASE("http: the reason may be missing or empty or not ASCII") {
  CHECK(accept_response("HTTP/1.1 200\r\n\r\n").reason.empty());
  CHECK(accept_response("HTTP/1.1 200 \r\n\r\n").reason.empty());
  CHECK(accept_response("HTTP/1.1 200 \xc3\xa4\r\n\r\n").reason == "\xc3\xa4");
  CHECK(accept_response("HTTP/1.1 999 x\r\n\r\n").status == 999);
}

TEST_CASE("http: a status line that does not match the grammar is refused") {
  for (const std::string_view line :
       {"HTTP/1.1  200 OK", "HTTP/1.1 20 OK",  "HTTP/1.1 2000 OK", "HTTP/1.1 099 x",   "HTTP/1.1 000 x",
        "HTTP/1.1 2x0 OK",  "HTTP/1.1",        "HTTP/1.1 ",        "HTTP/1.1\t200 OK", "http/1.1 200 OK",
        "HTTP/2.0 200 OK",  "HTTP/1.2 200 OK", "HTTP/0.9 200 OK",  "HTTP/2 200",       "ICY 200 OK",
        "RTSP/1.0 200 OK",  "<html>",          " HTTP/1.1 200 OK", "HTTP/1.1 200OK",   "HTTP/1.1 200 a\x01",
        "HTTP/1.10 200 OK"}) {
    CAPTURE(line);
    const std::string bytes = std::string(line) + "\r\nContent-Length: 0\r\n\r\n";
    const ResponseReading reading = read_response(bytes);
    REQUIRE(reading.result.state == HeadState::refused);
    CHECK(reading.result.refusal.status == 502);
  }
  check_response_refused("\r\nHTTP/1.1 200 OK\r\n\r\n", "bad-status-line");
  check_response_refused("\x15\x03", "bad-status-line");
  check_response_refused("HTTP/1.1 200 a\rb\r\n\r\n", "bad-status-line");
  check_response_refused(std::string("HTTP/1.1 200 ") + std::string(20000, 'x'), "bad-status-line");
}

TEST_CASE("http rule 6: responses whose length cannot be trusted are refused") {
  check_response_refused(ok_with("Content-Length: 2\r\nContent-Length: 3\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: 5\r\nContent-Length: 05\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: 2, 3\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: 2, 2,\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: x, x\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: ,\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: 2, 2\r\nContent-Length: 3\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: x\r\n"), "bad-length");
  check_response_refused(ok_with("Content-Length:\r\n"), "bad-length");
  check_response_refused(ok_with("Content-Length: 18446744073709551616\r\n"), "bad-length");
  const std::string huge = "Content-Length: 18446744073709551616\r\n";
  check_response_refused(ok_with(huge + huge), "bad-length");
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  check_response_refused(ok_with(coding + "Content-Length: 2\r\nContent-Length: 3\r\n"), "two-lengths");
  check_response_refused(ok_with(coding + "Content-Length: x\r\n"), "two-lengths");
  check_response_refused(ok_with("Content-Length: 2\r\n" + coding + coding), "bad-transfer-encoding");
  check_response_refused(ok_with("Content-Length: 2\r\nTransfer-Encoding: gzip, chunked\r\n"),
                         "unknown-transfer-encoding");
  check_response_refused(ok_with("Content-Length: 2\r\nTransfer-Encoding: gzip\r\n"),
                         "bad-transfer-encoding");
  check_response_refused("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n" + coding + "\r\n",
                         "transfer-encoding-on-1.0");
  check_response_refused("HTTP/1.1 103 X\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", "two-lengths");
  check_response_refused(ok_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                         "bad-transfer-encoding");
  check_response_refused(ok_with("Transfer-Encoding:\r\n"), "bad-transfer-encoding");
  check_response_refused(ok_with("Transfer-Encoding: gzip\r\n"), "bad-transfer-encoding");
  check_response_refused(ok_with("Transfer-Encoding: chunked, gzip\r\n"), "bad-transfer-encoding");
  check_response_refused(ok_with("Transfer-Encoding: gzip, chunked\r\n"), "unknown-transfer-encoding");
}

TEST_CASE("http rule 6: equal lengths of a response count as one and its connection as spent") {
  const std::string two = "Content-Length: 2\r\n";
  for (const std::string& lines :
       {two + two, two + "X: y\r\n" + two + two, std::string("Content-Length: 2, 2\r\n"),
        two + "content-length:2 , 2\t\r\n", std::string("Content-Length:\t2\t,\t2\t\r\n")}) {
    const std::string bytes = ok_with(lines);
    const ResponseHead head = accept_response(bytes);
    CHECK(head.repaired);
    CHECK_FALSE(head.keep_alive);
    CHECK(head.body.kind == Framing::Kind::length);
    CHECK(head.body.length == 2);
    CHECK(std::count_if(head.fields.begin(), head.fields.end(), [](const Field& field) {
            return field.name == FieldName::content_length && field.value == "2";
          }) == 1);
  }
  const std::string once = ok_with(two);
  CHECK_FALSE(accept_response(once).repaired);
  CHECK(accept_response(once).keep_alive);
}

TEST_CASE("http rule 2: chunked wins over the length of a response and its connection is spent") {
  const std::string length = "Content-Length: 2\r\n";
  const std::string coding = "Transfer-Encoding: Chunked\t\r\n";
  for (const std::string& lines : {length + coding, coding + length, length + coding + length}) {
    const std::string bytes = ok_with(lines);
    for (const Method method : {Method::get, Method::head}) {
      const ResponseHead head = accept_response(bytes, method);
      CHECK(head.repaired);
      CHECK_FALSE(head.keep_alive);
      CHECK(head.body.kind == (method == Method::get ? Framing::Kind::chunked : Framing::Kind::none));
      CHECK(head.fields.size() == 1);
    }
  }
}

TEST_CASE("http: white space behind a value is spaces and tabs whatever the field") {
  for (const std::string_view space : {" ", "\t", " \t", "\t ", "\t\t"}) {
    for (const std::string_view line : {"Content-Length: 3", "Transfer-Encoding: chunked",
                                        "Connection: close", "Upgrade: x", "X: y", "Keep-Alive: timeout=5"}) {
      const std::string plain = ok_with(std::string(line) + "\r\n");
      const std::string spaced =
          ok_with(std::string(line).insert(line.find(' '), space) + std::string(space) + "\r\n");
      const ResponseHead head = accept_response(spaced);
      const ResponseHead other = accept_response(plain);
      CHECK(head.body.kind == other.body.kind);
      CHECK(head.body.length == other.body.length);
      CHECK(head.keep_alive == other.keep_alive);
      CHECK(head.keep_alive_timeout == other.keep_alive_timeout);
      CHECK_FALSE(head.repaired);
      REQUIRE(head.fields.size() == 1);
      CHECK(head.fields[0].value == other.fields[0].value);
    }
  }
}

TEST_CASE("http rule 5: a response of HTTP/1.0 with a transfer coding is refused") {
  check_response_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer-encoding-on-1.0");
}

TEST_CASE("http rules 14, 15 and 24: line ends and control characters in responses are refused") {
  check_response_refused("HTTP/1.1 200 OK\n\n", "bare-lf");
  check_response_refused("HTTP/1.1 200 OK\r\nX: y\n\r\n", "bare-lf");
  check_response_refused(ok_with("X: a\rb\r\n"), "control-byte");
  check_response_refused(ok_with(std::string("X: a") + '\0' + "b\r\n"), "control-byte");
  check_response_refused(ok_with("X\xe4: b\r\n"), "bad-field-name");
}

TEST_CASE("http rule 22: a folded field in a response is refused") {
  check_response_refused(ok_with("X: a\r\n b\r\n"), "folded-field");
  check_response_refused(ok_with(" X: a\r\n"), "space-before-fields");
}

TEST_CASE("http rule 23: white space in front of the colon in a response is refused") {
  check_response_refused(ok_with("Content-Length : 2\r\n"), "space-before-colon");
}

TEST_CASE("http: the limits hold for responses too") {
  std::string fields;
  for (int i = 0; i < 101; ++i) fields += "X: y\r\n";
  check_response_refused(ok_with(fields), "too-many-fields");
  check_response_refused(ok_with("X: " + std::string(16384, 'y') + "\r\n"), "field-too-large");
  HeadLimits limits;
  limits.head = 100;
  check_response_refused(ok_with("X: " + std::string(100, 'y') + "\r\n"), "head-too-large", limits);
  std::string names = "x0";
  for (int i = 1; i < 33; ++i) names += ",x" + std::to_string(i);
  check_response_refused(ok_with("Connection: " + names + "\r\n"), "too-many-connection-options");
}

TEST_CASE("http rule 48: answers to HEAD, 1xx, 204 and 304 have no body whatever their fields say") {
  struct Row {
    std::string_view bytes;
    Method method;
    bool keep_alive;
  };
  const std::vector<Row> rows = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::head, true},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Method::head, true},
      {"HTTP/1.1 200 OK\r\n\r\n", Method::head, true},
      {"HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", Method::get, true},
      {"HTTP/1.1 204 x\r\n\r\n", Method::get, true},
      {"HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", Method::get, true},
      {"HTTP/1.1 100 x\r\n\r\n", Method::post, true},
      {"HTTP/1.1 103 x\r\nLink: a\r\n\r\n", Method::get, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    const ResponseHead head = accept_response(row.bytes, row.method);
    CHECK(head.body.kind == Framing::Kind::none);
    CHECK(head.keep_alive == row.keep_alive);
    CHECK(head.interim() == (head.status < 200));
  }
}

TEST_CASE("http rule 49: an app that announces content in 204 or 1xx loses its connection") {
  for (const std::string_view bytes :
       {"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 103 x\r\nContent-Length: 2\r\n\r\n"}) {
    const ResponseHead head = accept_response(bytes);
    CHECK(head.body.kind == Framing::Kind::none);
    CHECK_FALSE(head.keep_alive);
  }
}

TEST_CASE("http rule 51: a response without framing ends with its connection") {
  const ResponseHead head = accept_response("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
  CHECK(head.body.kind == Framing::Kind::until_close);
  CHECK_FALSE(head.keep_alive);
}

TEST_CASE("http: whether the upstream connection can be used again") {
  struct Row {
    std::string_view bytes;
    bool keep_alive;
  };
  const std::vector<Row> rows = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n", false},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, close\r\n\r\n", false},
      {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    CHECK(accept_response(row.bytes).keep_alive == row.keep_alive);
  }
}

TEST_CASE("http rule 56: a 101 is read as an interim response") {
  const ResponseHead head = accept_response(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(head.status == 101);
  CHECK(head.body.kind == Framing::Kind::none);
}

TEST_CASE("http: a response head that is used again holds nothing of the one before") {
  HeadReader reader;
  ResponseHead head;
  REQUIRE(reader.read_response("HTTP/1.0 404 No\r\nContent-Length: 3\r\nX: y\r\n\r\n", {}, Method::get, head)
              .state == HeadState::complete);
  REQUIRE(reader.read_response("HTTP/1.1 204\r\n\r\n", {}, Method::get, head).state == HeadState::complete);
  CHECK(head.status == 204);
  CHECK(head.reason.empty());
  CHECK(head.minor == 1);
  CHECK(head.fields.empty());
  CHECK(head.body.kind == Framing::Kind::none);
  CHECK(head.keep_alive);
}

}  // namespace gracevisor::http::testing
