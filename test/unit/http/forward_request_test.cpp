#include <doctest/doctest.h>

#include <string>

#include "http/forward.h"
#include "unit/http/reading.h"

namespace gracevisor::http::testing {

namespace {

constexpr RequestForward kClient{.client = "10.0.0.9", .proto = "http", .trusted = false, .keep_alive = true};
constexpr RequestForward kTrusted{.client = "10.0.0.9", .proto = "http", .trusted = true, .keep_alive = true};
const std::string kTail =
    "Via: 1.1 gracevisor\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: "
    "h\r\n\r\n";

std::string forward(const std::string& bytes, const RequestForward& how = kClient) {
  const RequestHead head = accept_request(bytes);
  std::string out;
  write_request_head(head, how, out);
  return out;
}

void check_forward(const std::string& bytes, const std::string& expected,
                   const RequestForward& how = kClient) {
  CHECK(forward(bytes, how) == expected);
}

// `fields` of a GET for host h arrive as `expected`, in front of the fields that are always added.
void check_fields(const std::string& fields, const std::string& expected) {
  check_forward(get_with(fields), "GET / HTTP/1.1\r\nHost: h\r\n" + expected + kTail);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("forward rule 1: a request goes out with our own version") {
  check_forward("GET /x HTTP/1.0\r\nHost: h\r\n\r\n",
                "GET /x HTTP/1.1\r\nHost: h\r\nVia: 1.0 gracevisor\r\nX-Forwarded-For: 10.0.0.9\r\n"
                "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n");
}

TEST_CASE("forward: a request without Host goes out with an empty one") {
  check_forward("GET /x HTTP/1.0\r\n\r\n",
                "GET /x HTTP/1.1\r\nHost: \r\nVia: 1.0 gracevisor\r\nX-Forwarded-For: 10.0.0.9\r\n"
                "X-Forwarded-Proto: http\r\n\r\n");
}

TEST_CASE("forward: fields go out in their order with one space behind the colon, however they came") {
  check_fields("A: 1\r\nB:2\r\nC:\t3\r\nD:  4\r\nE: 5 \r\nF:\r\nG: \r\nH: 8\r\nI: 9\r\n",
               "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: \r\nG: \r\nH: 8\r\nI: 9\r\n");
  check_fields("A: 1\r\nKeep-Alive: 5\r\nB: 2\r\nC: 3\r\nX-Forwarded-For: 1.2.3.4\r\nD: 4\r\n",
               "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n");
}

TEST_CASE("forward: what is in the string already stays") {
  const std::string bytes = get_with("");
  const RequestHead head = accept_request(bytes);
  std::string out = "before";
  write_request_head(head, kClient, out);
  CHECK(out == "beforeGET / HTTP/1.1\r\nHost: h\r\n" + kTail);
}

TEST_CASE("forward rules 2 and 10: a request's framing is written anew") {
  const std::string start = "POST / HTTP/1.1\r\nHost: h\r\n";
  check_forward(post_with("Transfer-Encoding:  Chunked \r\n"),
                start + "Transfer-Encoding: chunked\r\n" + kTail);
  check_forward(post_with("content-length: 0005\r\n"), start + "Content-Length: 5\r\n" + kTail);
  check_forward(post_with("Content-Length: 00\r\n"), start + "Content-Length: 0\r\n" + kTail);
  check_forward(post_with(""), start + kTail);
}

TEST_CASE("forward rule 29: fields that Connection names end here, in any case, from any line") {
  check_fields("Connection: close, X-A\r\nX-A: 1\r\nX-B: 2\r\n", "X-B: 2\r\n");
  check_fields("Connection: \r\nX-A: 1\r\nX-B: 2\r\nConnection: x-b\r\nconnection:x-a ,close\r\nX-C: 3\r\n",
               "X-C: 3\r\n");
  check_fields("Connection: X-A;q=1\r\nX-A: 1\r\n", "X-A: 1\r\n");  // no parameters there
}

TEST_CASE("forward rule 30: Connection cannot hide framing, routing, identity or security from the app") {
  const std::string bytes = post_with(
      "Connection: Host, Content-Length, X-Forwarded-For, Authorization, Cookie, X-Forwarded-Port, "
      "Set-Cookie, Via, "
      "Content-Type, Origin, Range, X-Forwarded-Host, X-Forwarded-Proto, X-Request-Id, Expect, Date\r\n"
      "Authorization: Basic x\r\nCookie: a=b\r\nContent-Length: 3\r\nContent-Type: a/b\r\nOrigin: "
      "o\r\nX-Request-Id: 7\r\n");
  check_forward(bytes,
                "POST / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic x\r\nCookie: a=b\r\nContent-Type: a/b\r\n"
                "Origin: o\r\nX-Request-Id: 7\r\nContent-Length: 3\r\n" +
                    kTail);
}

TEST_CASE("forward rule 31: fields of one hop end here though nobody names them") {
  check_fields(
      "Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nUpgrade: h2c\r\nTrailer: "
      "X\r\n"
      "Proxy-Authenticate: x\r\nProxy-Authorization: y\r\n",
      "");
}

TEST_CASE("forward rule 32: of TE nothing but trailers is kept, and named in Connection") {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string kept = "Connection: TE\r\nTE: trailers\r\n\r\n";
  const std::string tail = kTail.substr(0, kTail.size() - 2);
  check_forward(start + "TE: gzip, trailers\r\nConnection: TE\r\n\r\n", start + tail + kept);
  check_forward(start + "TE: gzip;q=0.5, Trailers \r\n\r\n", start + tail + kept);
  check_forward(start + "TE: gzip\r\n\r\n", start + kTail);
}

TEST_CASE("forward rule 32: trailers with a weight is a malformed member and does not count") {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (const std::string_view value :
       {"trailers;q=0", "trailers;q=1", "trailers ;q=0.5", "trailers;", "gzip, trailers;q=0"}) {
    check_forward(start + "TE: " + std::string(value) + "\r\n\r\n", start + kTail);
  }
}

TEST_CASE("forward rule 32: an app is told of trailers only where they pass") {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  RequestForward how = kClient;
  how.trailers = false;
  check_forward(start + "TE: trailers\r\nConnection: TE\r\n\r\n", start + kTail, how);
}

TEST_CASE("forward: fields of a client that are named X-Gv-… end here") {
  for (const RequestForward& how : {kClient, kTrusted}) {
    check_forward(
        get_with("X-Gv-Candidate: 1\r\nX: y\r\nx-gv-error: z\r\nX-GV-: w\r\nX-Gv: v\r\nX-Gvx-A: u\r\n"),
        "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\nX-Gv: v\r\nX-Gvx-A: u\r\n" + kTail, how);
  }
}

TEST_CASE("forward: a method and a target that llhttp does not know go out as they came") {
  const std::string target = "/a^b\\<\xff?q=\"x\"|{}";
  check_forward("qUERY " + target + " HTTP/1.1\r\nHost: h\r\n\r\n",
                "qUERY " + target + " HTTP/1.1\r\nHost: h\r\n" + kTail);
}

TEST_CASE("forward: an empty port does not go out") {
  check_forward("GET / HTTP/1.1\r\nHost: h:\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n" + kTail);
}

TEST_CASE("forward rule 33: unknown fields pass byte for byte and in order") {
  check_fields("X-CuStOm: a  b\t\"c\" \xc3\xa4\r\nx: 1\r\nX: 2\r\nEmpty:\r\nx: 3\r\n",
               "X-CuStOm: a  b\t\"c\" \xc3\xa4\r\nx: 1\r\nX: 2\r\nEmpty: \r\nx: 3\r\n");
}

TEST_CASE("forward rule 34: Via is appended behind those before it") {
  check_fields("Via: 1.0 a, 1.1 b\r\nX: y\r\n", "Via: 1.0 a, 1.1 b\r\nX: y\r\n");
}

TEST_CASE("forward rule 36: Max-Forwards of OPTIONS is counted down") {
  const std::string start = "OPTIONS / HTTP/1.1\r\nHost: h\r\n";
  check_forward(start + "Max-Forwards: 10\r\n\r\n", start + "Max-Forwards: 9\r\n" + kTail);
  check_forward(start + "Max-Forwards: 0\r\n\r\n", start + "Max-Forwards: 0\r\n" + kTail);
  check_fields("Max-Forwards: 10\r\n", "Max-Forwards: 10\r\n");
}

TEST_CASE("forward rule 38: path and query stay as they are but an empty path") {
  const std::string target = "/a/%2e%2e/b//c/../;p?x=%00&y=/?*'()";
  CHECK(forward("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")
            .starts_with("GET " + target + " HTTP/1.1\r\n"));
  const auto start_of = [](const std::string& absolute) {
    const std::string out = forward("GET " + absolute + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return out.substr(0, out.find("\r\n"));
  };
  CHECK(start_of("http://h") == "GET / HTTP/1.1");
  CHECK(start_of("http://h?a=b") == "GET /?a=b HTTP/1.1");
  CHECK(start_of("http://h/?a=b") == "GET /?a=b HTTP/1.1");
}

TEST_CASE("forward rule 39: credentials pass byte for byte") {
  check_fields("Authorization: Bearer  a==\r\n", "Authorization: Bearer  a==\r\n");
}

TEST_CASE("forward rule 40: conditional fields pass") {
  check_fields("If-None-Match: \"x\"\r\nIf-Modified-Since: y\r\nRange: bytes=0-1\r\n",
               "If-None-Match: \"x\"\r\nIf-Modified-Since: y\r\nRange: bytes=0-1\r\n");
}

TEST_CASE("forward rule 43: Host is written from the absolute form's authority") {
  const std::string out = forward("GET http://H:80/x HTTP/1.1\r\nhost: h\r\n\r\n");
  CHECK(out.starts_with("GET /x HTTP/1.1\r\nHost: H:80\r\n"));
  CHECK(contains(out, "X-Forwarded-Host: H:80\r\n"));
  CHECK_FALSE(contains(out, "host: h\r\n"));
}

TEST_CASE("forward rule 44: the asterisk passes") {
  CHECK(forward("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("OPTIONS * HTTP/1.1\r\n"));
}

TEST_CASE("forward rule 54: Expect is forwarded, but not for a client of HTTP/1.0") {
  CHECK(contains(forward(post_with("Expect: 100-continue\r\nContent-Length: 5\r\n")),
                 "\r\nExpect: 100-continue\r\n"));
  CHECK_FALSE(
      contains(forward("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), "Expect"));
}

TEST_CASE("forward rule 56: an upgrade that Connection names is passed on, others are removed") {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string tail = kTail.substr(0, kTail.size() - 2);
  check_forward(start + "Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n\r\n",
                start + tail + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  check_fields("Upgrade: websocket\r\n", "");
  // HTTP/2 inside would bypass every rule.
  for (const std::string h2c : {"h2c", "H2C/1", "h2c;q=1", "websocket, h2c"}) {
    check_fields(
        "Connection: keep-alive, Upgrade, HTTP2-Settings\r\nUpgrade: " + h2c + "\r\nHTTP2-Settings: x\r\n",
        "");
  }
  check_forward(start + "Connection: upgrade\r\nUpgrade: h2cx\r\n\r\n",
                start + tail + "Connection: Upgrade\r\nUpgrade: h2cx\r\n\r\n");
}

TEST_CASE("forward: names with an underscore are dropped") {
  check_fields("X_Forwarded_For: 1\r\nContent_Length: 5\r\nX-Ok: 1\r\nA_: 1\r\n_: 1\r\n", "X-Ok: 1\r\n");
}

TEST_CASE("forward: what an untrusted client says about forwarding is replaced") {
  check_fields(
      "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: "
      "for=1.2.3.4\r\n"
      "X-Forwarded-Port: 1\r\nx-forwarded-server: s\r\nX-Forwarded: 1\r\n",
      "X-Forwarded: 1\r\n");
}

TEST_CASE("forward: what a trusted proxy says about forwarding is extended and kept") {
  check_forward(
      get_with("X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nX-Forwarded-Proto: https\r\nx-forwarded-for:\r\n"
               "X-Forwarded-Host: public\r\nForwarded: for=1.2.3.4\r\nx-forwarded-for: 9.9.9.9\r\n"),
      "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public\r\n"
      "Forwarded: for=1.2.3.4\r\nVia: 1.1 gracevisor\r\n"
      "X-Forwarded-For: 1.2.3.4, 5.6.7.8, 9.9.9.9, 10.0.0.9\r\n\r\n",
      kTrusted);
  check_forward(get_with(""), "GET / HTTP/1.1\r\nHost: h\r\n" + kTail, kTrusted);
}

TEST_CASE("forward: a client without an address adds none") {
  RequestForward how{.client = "", .proto = "https", .trusted = false, .keep_alive = true};
  const std::string bytes = get_with("X-Forwarded-For: 1.2.3.4\r\n");
  check_forward(bytes,
                "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 gracevisor\r\nX-Forwarded-Proto: https\r\n"
                "X-Forwarded-Host: h\r\n\r\n",
                how);
  how.trusted = true;
  CHECK(contains(forward(bytes, how), "\r\nX-Forwarded-For: 1.2.3.4\r\n"));
}

TEST_CASE("forward: the app is told when its connection will not be used again") {
  RequestForward how = kClient;
  how.keep_alive = false;
  CHECK(forward(get_with("Connection: keep-alive\r\n"), how).ends_with("\r\nConnection: close\r\n\r\n"));
  CHECK_FALSE(contains(forward(get_with("Connection: close\r\n")), "Connection"));
}

}  // namespace gracevisor::http::testing
