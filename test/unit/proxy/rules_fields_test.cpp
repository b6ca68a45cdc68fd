// Rules 29 to 41: fields that end at this hop, fields that pass, fields that are added.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

std::string response_with(const std::string& lines) {
  return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + lines + "\r\n";
}

// Requests and responses are treated alike.
void check_removed(const std::string& lines, const std::vector<const char*>& names) {
  CAPTURE(lines);
  for (const WireMessage& message :
       {forwarded_message(get("/", lines)), relayed_message(get("/"), response_with(lines))}) {
    for (const char* name : names) CHECK_MESSAGE(message.count(name) == 0, name);
    CHECK(message.field("X-Kept") == "1");
  }
}

TEST_CASE("rule 29: the fields that Connection names end here, and Connection itself") {
  check_removed("X-Kept: 1\r\nConnection: keep-alive, X-A\r\nX-A: 1\r\n", {"X-A", "Connection"});
  check_removed("X-Kept: 1\r\nX-A: 1\r\nConnection: x-a\r\nX-B: 2\r\nConnection: X-B\r\n",
                {"X-A", "X-B", "Connection"});
  check_removed("X-Kept: 1\r\nConnection: \r\nconnection: X-a\r\nx-A: 1\r\n", {"X-A", "Connection"});
  check_removed("X-Kept: 1\r\nConnection: ,, X-A ,,X-B,\r\nX-A: 1\r\nX-A: 2\r\nX-B:\r\n",
                {"X-A", "X-B", "Connection"});
}

TEST_CASE("rule 30: Connection cannot hide framing, routing or identity") {
  WireMessage request = forwarded_message(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: Host, Content-Length, X-Forwarded-For, Authorization, "
      "Cookie, Via\r\n"
      "Authorization: Basic eDp5\r\nCookie: a=b\r\nContent-Length: 2\r\n\r\nhi");
  CHECK(request.field("Host") == "h");
  CHECK(request.field("Content-Length") == "2");
  CHECK(request.content == "hi");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("Authorization") == "Basic eDp5");
  CHECK(request.field("Cookie") == "a=b");
  CHECK(request.count("Via") == 1);
  request = forwarded_message(
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nhi\r\n0\r\n\r\n");
  CHECK(request.field("Content-Length") == "2");
  CHECK(request.content == "hi");

  WireMessage response = relayed_message(
      get("/"),
      "HTTP/1.1 200 OK\r\nConnection: Content-Length, Set-Cookie, Strict-Transport-Security, Date\r\n"
      "Content-Length: 2\r\nSet-Cookie: a\r\nStrict-Transport-Security: b\r\nDate: c\r\n\r\nok");
  CHECK(response.field("Content-Length") == "2");
  CHECK(response.field("Set-Cookie") == "a");
  CHECK(response.field("Strict-Transport-Security") == "b");
  CHECK(response.field("Date") == "c");
}

TEST_CASE("rule 31: fields of one hop end here though nobody names them") {
  check_removed(
      "X-Kept: 1\r\nProxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"
      "Proxy-Authorization: Basic eDp5\r\nTE: gzip\r\n",
      {"Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Connection"});
}

TEST_CASE("rule 32: of TE nothing but trailers is kept, and only where the client sent it") {
  RuleRig rig;
  rig.options.trailers = {"x"};
  rig.publish();
  rig.ask(get("/", "TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n"));
  WireMessage request = read_requests(rig.forwarded()).messages.at(0);
  CHECK(lines_of(request, "TE") == std::vector<std::string>{"trailers"});
  CHECK(lines_of(request, "Connection") == std::vector<std::string>{"TE"});
  request = forwarded_message(get("/", "TE: gzip\r\n"));
  CHECK(request.count("TE") + request.count("Connection") == 0);
  // Where none pass, the app is not told that the client takes them.
  request = forwarded_message(get("/", "TE: trailers\r\nConnection: TE\r\n"));
  CHECK(request.count("TE") + request.count("Connection") == 0);
}

TEST_CASE("rule 33: unknown fields pass byte for byte, and lines of one name stay apart and in order") {
  WireMessage response = relayed_message(
      get("/"),
      response_with(
          "Set-Cookie: a=1; Path=/\r\nX-Odd: \"q\\\"\"\t,;\xff\r\nset-cookie: b=2\r\nX-Empty:\r\n"));
  CHECK(lines_of(response, "Set-Cookie") == std::vector<std::string>{"a=1; Path=/", "b=2"});
  CHECK(response.field("X-Odd") == "\"q\\\"\"\t,;\xff");
  CHECK(response.count("X-Empty") == 1);
  WireMessage request =
      forwarded_message(get("/", "X-Custom: 1\r\nAccept: a\r\nX-CUSTOM: 2\r\naccept: b\r\n"));
  CHECK(lines_of(request, "X-Custom") == std::vector<std::string>{"1", "2"});
  CHECK(lines_of(request, "Accept") == std::vector<std::string>{"a", "b"});
  CHECK(forwarded(get("/", "x-CusTom: as is\r\n")).find("\r\nx-CusTom: as is\r\n") != std::string::npos);
}

TEST_CASE("rule 34: Via says that a request came through us, behind those before") {
  CHECK(forwarded_message(get("/")).field("Via") == "1.1 gracevisor");
  CHECK(forwarded_message("GET / HTTP/1.0\r\nHost: h\r\n\r\n").field("Via") == "1.0 gracevisor");
  CHECK(forwarded_message(get("/", "Via: 1.0 a, 1.1 b\r\nVia: 1.1 c\r\n")).field("Via") ==
        "1.0 a, 1.1 b, 1.1 c, 1.1 gracevisor");
}

TEST_CASE("rule 35: a request that runs in a circle is refused") {
  std::string once = "Via: 1.1 gracevisor\r\n";
  std::string often = "Via: ";
  for (int i = 0; i < 8; ++i) often += "1.1 gracevisor, 1.1 other, ";
  CHECK(forwarded(get("/", once)) != "");
  CHECK(forwarded(get("/", often + "1.1 x\r\n")) != "");
  check_requests_refused({{"in one line", get("/", often + "1.0 gracevisor (a comment)\r\n"), 508, "loop"},
                          {"in two lines", get("/", often + "1.1 x\r\n" + once), 508, "loop"}});
}

TEST_CASE("rule 37: a response without Date gets one, and one that is there stays") {
  WireMessage response = relayed_message(get("/"), ok("x"));
  REQUIRE(response.count("Date") == 1);
  std::string date = response.field("Date");  // Sun, 06 Nov 1994 08:49:37 GMT
  REQUIRE(date.size() == 29);
  CHECK(date.substr(3, 2) == ", ");
  CHECK(date.ends_with(" GMT"));
  CHECK(date[19] == ':');
  CHECK(relayed_message(get("/"), ok("x", "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n")).field("Date") ==
        "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("rule 38: path and query are not altered, but an empty path becomes a slash") {
  for (const char* target :
       {"/a/%2e%2e/b//c?x=%00", "/../..", "//", "/?", "/a;b=c:d@e!$&'()*+,", "/%zz%", "/?a?b=/../"}) {
    CHECK(forwarded("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n")
              .starts_with("GET " + std::string(target) + " HTTP/1.1\r\n"));
  }
  CHECK(forwarded("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
  CHECK(forwarded("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("GET /?q HTTP/1.1\r\n"));
}

TEST_CASE("rule 39: credentials, challenges and Allow pass byte for byte") {
  const std::string digest = "Digest username=\"a, b\", uri=\"/x\",  response=\"\\\"\"";
  CHECK(forwarded_message(get("/", "Authorization: " + digest + "\r\n")).field("Authorization") == digest);
  WireMessage response = relayed_message(
      get("/"),
      "HTTP/1.1 405 No\r\nWWW-Authenticate: Basic realm=\"a,b\"\r\nwww-authenticate: Negotiate\r\n"
      "Allow: GET,  HEAD\r\nContent-Length: 0\r\n\r\n");
  CHECK(lines_of(response, "WWW-Authenticate") ==
        std::vector<std::string>{"Basic realm=\"a,b\"", "Negotiate"});
  CHECK(response.field("Allow") == "GET,  HEAD");
}

TEST_CASE("rule 40: conditional fields and Cache-Control pass, and so do partial and conditional answers") {
  WireMessage request = forwarded_message(
      get("/",
          "If-None-Match: \"a\", W/\"b\"\r\nIf-Modified-Since: x\r\nRange: bytes=0-1\r\nIf-Range: \"a\"\r\n"
          "Cache-Control: no-transform\r\n"));
  CHECK(request.field("If-None-Match") == "\"a\", W/\"b\"");
  CHECK(request.field("If-Modified-Since") == "x");
  CHECK(request.field("Range") == "bytes=0-1");
  CHECK(request.field("If-Range") == "\"a\"");
  CHECK(request.field("Cache-Control") == "no-transform");
  CHECK(relayed_message(get("/"), "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n").field("ETag") ==
        "\"a\"");
  WireMessage part = relayed_message(
      get("/"), "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab");
  CHECK(part.start == "HTTP/1.1 206 Partial");
  CHECK(part.field("Content-Range") == "bytes 0-1/9");
}

TEST_CASE("rule 41: neither 421 nor Max-Forwards comes from us") {
  RuleRig rig;
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  RawEnd& client = rig.ask("GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n");
  CHECK(client.take().starts_with("HTTP/1.1 404 "));
  rig.ask(client, "OPTIONS / HTTP/1.1\r\nHost: known.example\r\n\r\n");
  CHECK(rig.forwarded().starts_with("OPTIONS / "));
  CHECK(rig.forwarded().find("Max-Forwards") == std::string::npos);
}

TEST_CASE("identity: what a client says about forwarding is replaced unless it is trusted") {
  const std::string claims =
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nForwarded: "
      "for=6.6.6.6\r\n"
      "X_Forwarded_For: 6.6.6.6\r\nX-Forwarded-Port: 1\r\n";
  WireMessage request = forwarded_message(get("/", claims));
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("X-Forwarded-Proto") == "http");
  CHECK(request.field("X-Forwarded-Host") == "example.com");
  for (const char* name : {"Forwarded", "X_Forwarded_For", "X-Forwarded-Port"})
    CHECK(request.count(name) == 0);

  RuleRig rig;
  rig.listener.trusted_proxies = {{*base::Address::parse("127.0.0.0:0"), 8}};
  rig.publish();
  rig.ask(get("/", claims));
  request = read_requests(rig.forwarded()).messages.at(0);
  CHECK(request.field("X-Forwarded-For") == "6.6.6.6, 127.0.0.1");
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Host") == "evil");
  CHECK(request.field("Forwarded") == "for=6.6.6.6");
}

}  // namespace
}  // namespace gracevisor::test
