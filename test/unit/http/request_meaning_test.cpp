#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "unit/http/reading.h"

namespace gracevisor::http::testing {

TEST_CASE("http rule 2: a request with both a length and a transfer coding is refused") {
  check_refused(post_with("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"), 400, "two-lengths");
  check_refused(post_with("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n"), 400, "two-lengths");
  check_refused(post_with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400, "two-lengths");
}

TEST_CASE("http rule 3: a transfer coding that does not end in chunked is refused") {
  for (const std::string_view value :
       {"chunked, gzip", "gzip", "identity", "", ",", ",chunked", "xchunked", "chunked;a=b",
        "chunked, chunked", "chunkedx", "chun ked", "\"chunked\"", "chunked,", "\vchunked"}) {
    const std::string bytes = post_with("Transfer-Encoding: " + std::string(value) + "\r\n");
    const RequestReading reading = read_request(bytes);
    CAPTURE(value);
    REQUIRE(reading.result.state == HeadState::refused);
    CHECK(reading.result.refusal.status == 400);
  }
  const RequestReading two =
      read_request(post_with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"));
  REQUIRE(two.result.state == HeadState::refused);
  CHECK(two.result.refusal.status == 400);
  CHECK(
      read_request(post_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")).result.state ==
      HeadState::refused);
}

TEST_CASE("http rule 4: a coding below chunked that is not understood is 501") {
  check_refused(post_with("Transfer-Encoding: gzip, chunked\r\n"), 501, "unknown-transfer-encoding");
  check_refused(post_with("Transfer-Encoding: x,chunked\r\n"), 501, "unknown-transfer-encoding");
}

TEST_CASE("http: chunked is recognised in any case and with white space around it") {
  for (const std::string_view value : {"chunked", "Chunked", "CHUNKED", "  chunked\t "}) {
    const std::string bytes = post_with("Transfer-Encoding:" + std::string(value) + "\r\n");
    CHECK(accept_request(bytes).body.kind == Framing::Kind::chunked);
  }
}

TEST_CASE("http rule 5: a transfer coding on HTTP/1.0 is refused") {
  check_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "transfer-encoding-on-1.0");
}

TEST_CASE("http rules 6, 7 and 8: a length that is not one plain number is refused") {
  for (const std::string_view value :
       {"5abc", "abc", "-1", "+5", "0x5", "5 5", "5,5", "42, 42", "", " ", "5.0", "1e3",
        "18446744073709551616", "99999999999999999999999999", "\"5\"", "5;"}) {
    const std::string bytes = post_with("Content-Length: " + std::string(value) + "\r\n");
    CAPTURE(value);
    const RequestReading reading = read_request(bytes);
    REQUIRE(reading.result.state == HeadState::refused);
    CHECK(reading.result.refusal.status == 400);
    CHECK(reading.result.refusal.token() == "bad-length");
  }
  check_refused(post_with("Content-Length: 2\r\nContent-Length: 3\r\n"), 400, "two-lengths");
  check_refused(post_with("Content-Length: 2\r\nContent-Length: 2\r\n"), 400, "two-lengths");
}

TEST_CASE("http rule 8: the largest length is read without overflow") {
  const std::string bytes = post_with("Content-Length: 18446744073709551615\r\n");
  CHECK(accept_request(bytes).body.length == UINT64_MAX);
  const std::string spaced = post_with("Content-Length:\t3\t \r\n");
  CHECK(accept_request(spaced).body.length == 3);
  const std::string zeros = post_with("Content-Length: 0005\r\n");
  CHECK(accept_request(zeros).body.length == 5);
}

TEST_CASE("http rule 11: a request with neither length nor coding has no body") {
  const std::string_view bytes = "POST / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  const RequestReading reading = read_request(bytes);
  CHECK(reading.head.body.kind == Framing::Kind::none);
  CHECK(bytes.substr(reading.result.size).starts_with("GET /2"));
  CHECK(accept_request(post_with("Content-Length: 0\r\n")).body.kind == Framing::Kind::none);
}

TEST_CASE("http rule 42: HTTP/1.1 needs exactly one valid Host") {
  check_refused("GET / HTTP/1.1\r\n\r\n", 400, "bad-host");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, "bad-host");
  check_refused("GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", 400, "bad-host");
  for (const std::string_view host :
       {"a, b", "a,b",   "u@h",    "h/p",     "h:99999",  "h:80:80",  "a b",    ":80",
        "[::1", "h\xff", "h:0",    "h:65536", ":",        "h::",      "h:8a",   "h:-1",
        "h:+1", "::1",   "[::1]x", "[::1]::", "[::g]",    "[]",       "[v1.x]", "[fe80::1%eth0]",
        ".",    "..",    ".h",     "a..b",    "h?",       "h#",       "h%41",   "h\\a",
        "h<",   "[::1",  "::1]",   "h\"",     "h:000080", "[1.2.3.4]"}) {
    check_refused("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n", 400, "bad-host");
  }
  check_refused("GET / HTTP/1.1\r\nHost: " + std::string(256, 'a') + "\r\n\r\n", 400, "bad-host");
  check_refused("GET / HTTP/1.1\r\nHost: h\r\n a\r\n\r\n", 400, "folded-field");
}

TEST_CASE("http rule 42: valid hosts are normalised for routing and kept as sent") {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"h", "h"},
      {"Example.COM", "example.com"},
      {"example.com.", "example.com"},
      {"example.com.:80", "example.com"},
      {"h:1", "h"},
      {"h:65535", "h"},
      {"127.0.0.1:8080", "127.0.0.1"},
      {"[::1]", "[::1]"},
      {"[2001:DB8::1]:443", "[2001:db8::1]"},
      {"a_b-c.d~e", "a_b-c.d~e"},
      {"h:", "h"},
      {"h.:", "h"},
      {"[::1]:", "[::1]"},
  };
  for (const auto& [sent, routed] : rows) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: " + std::string(sent) + "\r\n\r\n";
    const RequestHead head = accept_request(bytes);
    CHECK(head.authority == (sent.ends_with(':') ? sent.substr(0, sent.size() - 1) : sent));
    CHECK(head.host == routed);
  }
}

TEST_CASE("http rule 43: absolute-form is reduced, its authority taken and compared with Host") {
  struct Row {
    std::string_view target, host, authority, target_out, path;
  };
  const std::vector<Row> rows = {
      {"http://h/x?y", "h", "h", "/x?y", "/x"},
      {"HTTP://H:80/", "h", "H:80", "/", "/"},
      {"http://h", "H.", "h", "/", "/"},
      {"http://h?q", "h:80", "h", "?q", "/"},
      {"http://[::1]:81/", "[::1]:81", "[::1]:81", "/", "/"},
      {"http://h:/x", "h", "h", "/x", "/x"},
      {"http://h/x", "h:", "h", "/x", "/x"},
      {"http://h:80/x", "h:", "h:80", "/x", "/x"},
  };
  for (const Row& row : rows) {
    const std::string bytes =
        "GET " + std::string(row.target) + " HTTP/1.1\r\nHost: " + std::string(row.host) + "\r\n\r\n";
    const RequestHead head = accept_request(bytes);
    CHECK(head.authority == row.authority);
    CHECK(head.target == row.target_out);
    CHECK(head.path == row.path);
  }
  check_refused("GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "two-hosts");
  check_refused("GET http://h:81/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "two-hosts");
  check_refused("GET http://h/x HTTP/1.1\r\n\r\n", 400, "bad-host");
  check_refused("GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET http://h::/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET http://:/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET ftp://h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET http:/h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  check_refused("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target");
  const std::string old = "GET http://h/x HTTP/1.0\r\n\r\n";
  CHECK(accept_request(old).host == "h");
}

TEST_CASE("http rule 43: absolute-form of https has its own port and agrees with X-Forwarded-Proto") {
  const auto request = [](std::string_view target, std::string_view fields) {
    return "GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n";
  };
  const std::string plain = request("http://h/x", "Host: h\r\n");
  CHECK_FALSE(accept_request(plain).https);
  for (const std::string& bytes :
       {request("https://h/x", "Host: h\r\n"), request("HTTPS://h:443/x", "Host: h\r\n"),
        request("https://h/x", "Host: h:443\r\n"),
        request("https://h:/x", "Host: h\r\nX-Forwarded-Proto: HTTPS\r\n")}) {
    const RequestHead head = accept_request(bytes);
    CHECK(head.https);
    CHECK(head.target == "/x");
    CHECK(head.host == "h");
  }
  check_refused(request("https://h:80/x", "Host: h\r\n"), 400, "two-hosts");
  check_refused(request("https://h/x", "Host: h:80\r\n"), 400, "two-hosts");
  check_refused(request("https://h/x", "Host: h\r\nX-Forwarded-Proto: http\r\n"), 400, "two-schemes");
  check_refused(request("https://h/x", "Host: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Proto: ws\r\n"),
                400, "two-schemes");
  CHECK_FALSE(accept_request(plain).https);
}

TEST_CASE("http rule 44: the asterisk is for OPTIONS alone") {
  CHECK(accept_request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").target == "*");
  CHECK(accept_request("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n").target == "*");
  CHECK(accept_request("OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n").target == "/");
  for (const std::string_view line : {"GET *", "OPTIONS *x", "GET h", "GET h:80", "GET ?x", "GET a/b"}) {
    const RequestReading reading = read_request(std::string(line) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(reading.result.state == HeadState::refused);
    CHECK(reading.result.refusal.status == 400);
  }
}

TEST_CASE("http rule 46: an empty Host cannot be routed") {
  check_refused("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "bad-host");
  check_refused("GET / HTTP/1.0\r\nHost: \r\n\r\n", 400, "bad-host");
}

TEST_CASE("http rule 47: HTTP/1.0 without Host has an empty one") {
  const RequestHead head = accept_request("GET /x HTTP/1.0\r\n\r\n");
  CHECK(head.host.empty());
  CHECK(head.authority.empty());
  CHECK(head.minor == 0);
}

TEST_CASE("http rule 54: an expectation of 100-continue is reported where there is a body, on HTTP/1.1") {
  CHECK(accept_request(post_with("Expect: 100-Continue\r\nContent-Length: 5\r\n")).expects_continue);
  CHECK(accept_request(post_with("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")).expects_continue);
  CHECK_FALSE(accept_request(post_with("Expect: 100-continue\r\n")).expects_continue);
  CHECK_FALSE(accept_request("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
                  .expects_continue);
}

TEST_CASE("http rule 55: other expectations are refused") {
  for (const std::string_view value : {"x", "", "100-continue, x", "200-ok"}) {
    check_refused(post_with("Expect: " + std::string(value) + "\r\nContent-Length: 5\r\n"), 417,
                  "unknown-expectation");
  }
  check_refused(post_with("Expect: 100-continue\r\nExpect: x\r\n"), 417, "unknown-expectation");
}

TEST_CASE("http rule 56: an upgrade is reported only where Connection names it, and not on HTTP/1.0") {
  CHECK(accept_request(get_with("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).upgrade ==
        "websocket");
  CHECK(accept_request(get_with("Upgrade: websocket\r\nConnection: upgrade\r\n")).upgrade == "websocket");
  CHECK(accept_request(get_with("Upgrade: websocket\r\n")).upgrade.empty());
  CHECK(accept_request(get_with("Connection: upgrade\r\n")).upgrade.empty());
  CHECK(accept_request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n").upgrade.empty());
  const std::string with_body = post_with("Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n");
  CHECK(accept_request(with_body).body.length == 5);
}

TEST_CASE("http rules 60 and 61: whether the client's connection goes on") {
  struct Row {
    std::string_view version, connection;
    bool keep_alive;
  };
  const std::vector<Row> rows = {
      {"1.1", "", true},
      {"1.1", "close", false},
      {"1.1", "keep-alive", true},
      {"1.1", "x, CLOSE", false},
      {"1.0", "", false},
      {"1.0", "keep-alive", true},
      {"1.0", "close", false},
      {"1.0", "Keep-Alive, x", true},
      {"1.0", "keep-alive, close", false},
      {"1.1", "closed", true},
  };
  for (const Row& row : rows) {
    const std::string bytes = "GET / HTTP/" + std::string(row.version) +
                              "\r\nHost: h\r\nConnection: " + std::string(row.connection) + "\r\n\r\n";
    CHECK(accept_request(bytes).keep_alive == row.keep_alive);
  }
  CHECK_FALSE(accept_request(get_with("Connection: keep-alive\r\nConnection: close\r\n")).keep_alive);
  CHECK_FALSE(accept_request("GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n").keep_alive);
}

TEST_CASE("http rule 36: Max-Forwards is read for OPTIONS alone") {
  CHECK(accept_request("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n").max_forwards == 0);
  CHECK(accept_request("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 7\r\n\r\n").max_forwards == 7);
  CHECK_FALSE(accept_request("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: x\r\n\r\n").max_forwards);
  CHECK_FALSE(accept_request(get_with("Max-Forwards: 7\r\n")).max_forwards);
}

}  // namespace gracevisor::http::testing
