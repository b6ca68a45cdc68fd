// Rules 48 to 54 and 63: responses without a body, responses that end with their connection or before their
// end, interim responses, trailers.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

using namespace std::string_literals;

const std::string kHead = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kOld = "GET / HTTP/1.0\r\nHost: h\r\n\r\n";
const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string kHints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
const std::string kExpecting =
    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
constexpr CoreRig::Layout kResetting{.clients = CoreRig::Family::tcp, .apps = CoreRig::Family::tcp};

TEST_CASE("rule 48: answers to HEAD, 204 and 304 have no body, and leave the connection usable") {
  struct Case {
    std::string request, response;
  };
  for (const auto& [request, response] :
       {Case{kHead, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        Case{kHead, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Case{kHead, "HTTP/1.1 200 OK\r\n\r\n"},
        Case{kHead, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"},
        Case{get("/"), "HTTP/1.1 204 No Content\r\n\r\n"},
        Case{get("/"), "HTTP/1.1 304 Not Modified\r\n\r\n"},
        Case{get("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"}}) {
    CAPTURE(request);
    CAPTURE(response);
    RuleRig rig;
    RawEnd& client = rig.ask(request);
    rig.answer(response);
    CHECK(rig.leases() == 0);
    CHECK(client.take().ends_with("\r\n\r\n"));
    rig.ask(client, get("/2"));
    CHECK(rig.app_connections() == 1);
    rig.answer(ok("two"));
    CHECK(client.take().ends_with("\r\n\r\ntwo"));
  }
}

TEST_CASE("rule 48: an answer of our own to a HEAD has no body, even if it is refused") {
  for (const char* fields :
       {"X: y\r\n", "Host: h\r\nExpect: x\r\n", "Host: h\r\nX : y\r\n", "Host: h\r\nContent-Length: x\r\n"}) {
    CAPTURE(std::string(fields));
    RuleRig rig;
    RawEnd& client = rig.ask("HEAD / HTTP/1.1\r\n" + std::string(fields) + "\r\n");
    CHECK(client.received().starts_with("HTTP/1.1 4"));
    CHECK(client.received().ends_with("\r\n\r\n"));
  }
}

TEST_CASE("rule 48: a body behind an answer that has none is dropped, and its connection closed") {
  for (const std::string& response :
       {std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        kChunked + "5\r\nhello\r\n0\r\n\r\n", std::string("HTTP/1.1 200 OK\r\n\r\nhello")}) {
    RuleRig rig;
    RawEnd& client = rig.ask(kHead);
    rig.answer(response);
    CHECK(client.take().find("hello") == std::string::npos);
    CHECK(rig.app(0)->end() != End::open);
    rig.ask(client, get("/2"));
    CHECK(rig.app_connections() == 2);
  }
}

TEST_CASE(
    "rule 49: a 204 or a 1xx goes out without a length, and an app that gave one loses its connection") {
  RuleRig rig;
  RawEnd& client = rig.ask(get("/1"));
  rig.answer("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok");
  std::string seen = client.take();
  CHECK(seen.starts_with("HTTP/1.1 204 No Content\r\n"));
  CHECK(seen.find("Content-Length") == std::string::npos);
  CHECK(seen.ends_with("\r\n\r\n"));
  CHECK(rig.app(0)->end() != End::open);
  rig.ask(client, get("/2"));
  rig.answer("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(client.take().find("Transfer-Encoding") == std::string::npos);
  CHECK(rig.app(1)->end() != End::open);
  rig.ask(client, get("/3"));
  rig.answer("HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n" + ok("three"));
  seen = client.take();
  CHECK(seen.starts_with("HTTP/1.1 103 Early Hints\r\n\r\n"));
  CHECK(seen.ends_with("three"));
}

TEST_CASE("rule 50: the length of HEAD and 304 answers passes unchanged") {
  CHECK(
      relayed(kHead, "HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n").find("Content-Length: 12345\r\n") !=
      std::string::npos);
  CHECK(relayed(get("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
            .find("Content-Length: 5\r\n") != std::string::npos);
}

TEST_CASE("rule 51: a response that ends with its connection is chunked for 1.1, and closes for 1.0") {
  RuleRig rig;
  RawEnd& modern = rig.ask(get("/"));
  rig.answer("HTTP/1.1 200 OK\r\n\r\nok");
  rig.finish_app();
  CHECK(modern.received().find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(modern.received().ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  CHECK(modern.end() == End::open);
  CHECK(rig.app(0)->end() != End::open);
  rig.ask(modern, get("/2"));
  CHECK(rig.app_connections() == 2);

  RawEnd& old = rig.ask("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
  rig.answer("HTTP/1.0 200 OK\r\n\r\nok");
  rig.finish_app(2);
  CHECK(old.received().find("chunked") == std::string::npos);
  CHECK(old.received().ends_with("\r\n\r\nok"));
  CHECK(old.end() == End::finished);
}

TEST_CASE("rule 51: a reset is not the end of such a response") {
  RuleRig rig(kResetting);
  RawEnd& modern = rig.ask(get("/"));
  RawEnd& old = rig.ask(kOld);
  for (std::size_t i : {0U, 1U}) {
    rig.answer(i, "HTTP/1.1 200 OK\r\n\r\nok");
    rig.app(i)->reset();
    rig.settle();
  }
  CHECK(modern.received().ends_with("2\r\nok\r\n"));
  CHECK(modern.end() == End::reset);
  CHECK(old.received().ends_with("\r\n\r\nok"));
  CHECK(old.end() == End::reset);
  CHECK(rig.cell().cut.read() == 2);
}

// The last bytes and the reset lie in the socket together when they are read.
TEST_CASE("rule 51: a reset right behind the last bytes is not the end of such a response either") {
  for (const std::string& request : {get("/"), kOld}) {
    CAPTURE(request);
    RuleRig rig(kResetting);
    RawEnd& client = rig.ask(request);
    REQUIRE(rig.app(0) != nullptr);
    rig.app(0)->send("HTTP/1.1 200 OK\r\n\r\nok");
    CHECK(rig.app(0)->pump());
    rig.app(0)->reset();
    rig.settle();
    CHECK(client.end() == End::reset);
    for (const WireMessage& message : read_responses(client.received(), client.end()).messages) {
      CHECK(!message.whole);
    }
    CHECK(rig.counts().failed.read() == 1);
  }
}

TEST_CASE("rule 52: an incomplete response never ends cleanly at the client, and is counted") {
  for (const std::string& request :
       {get("/"), kOld, "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"s}) {
    for (const std::string& response :
         {std::string("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nok"), kChunked, kChunked + "2\r\nok\r\n",
          kChunked + "2\r\no", kChunked + "2\r\nok\r\n0\r\n", kChunked + "2\r\nok\r\nzz",
          kChunked + "2\r\nok\r\n0\r\nX: "}) {
      CAPTURE(request);
      CAPTURE(response);
      RuleRig rig;
      RawEnd& client = rig.ask(request);
      rig.answer(response);
      rig.finish_app();
      CHECK(client.end() == End::reset);
      Wire wire = read_responses(client.received(), client.end());
      REQUIRE(wire.messages.size() == 1);
      CHECK(!wire.messages[0].whole);
      CHECK(wire.messages[0].status() == 200);
      CHECK(rig.counts().failed.read() == 1);
      CHECK(rig.cell().cut.read() == 1);
      CHECK(rig.leases() == 0);
    }
  }
}

TEST_CASE("rule 53: interim responses pass to clients of 1.1, never to those of 1.0, and are limited") {
  Wire wire = read_responses(relayed(get("/"), kHints + kHints + ok("x")), End::open);
  REQUIRE(wire.messages.size() == 3);
  CHECK(wire.messages[0].start == "HTTP/1.1 103 Early Hints");
  CHECK(wire.messages[0].field("Link") == "</a>");
  CHECK(wire.messages[2].content == "x");
  CHECK(relayed(kOld, kHints + ok("x")).starts_with("HTTP/1.1 200 OK\r\n"));
  // Nobody asked for a 100.
  CHECK(relayed(get("/"), "HTTP/1.1 100 Continue\r\n\r\n" + ok("x")).starts_with("HTTP/1.1 200 OK\r\n"));

  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += kHints;
  CHECK(read_responses(relayed(get("/"), sixteen + ok("x")), End::open).messages.size() == 17);
  wire = read_responses(relayed(get("/"), sixteen + kHints + ok("x")), End::open);
  CHECK(wire.messages.back().status() == 502);
  CHECK(wire.messages.back().token() == "too-many-interim");
}

TEST_CASE("rule 54: an expectation is passed on at once, and the app decides") {
  RuleRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.ask(kExpecting);
  CHECK(rig.forwarded().find("\r\nExpect: 100-continue\r\n") != std::string::npos);
  CHECK(rig.forwarded().ends_with("\r\n\r\n"));
  CHECK(client.received() == "");
  rig.answer("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
  rig.ask(client, "hello");
  CHECK(rig.forwarded().ends_with("\r\n\r\nhello"));
  rig.answer(ok("done"));
  CHECK(client.take().ends_with("done"));
  CHECK(client.end() == End::open);
}

TEST_CASE("rule 54: a client whose expectation is refused is told, and its connection closed") {
  RuleRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.ask(kExpecting);
  rig.answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
  WireMessage answer = read_responses(client.received(), client.end()).messages.at(0);
  CHECK(answer.status() == 413);
  CHECK(answer.field("Connection") == "close");
  CHECK(client.end() == End::finished);
}

TEST_CASE("rule 54: a client need not wait for the 100, one of 1.0 never does") {
  RuleRig rig;
  RawEnd& client = rig.ask(kExpecting + "hello");
  CHECK(rig.forwarded().ends_with("\r\n\r\nhello"));
  rig.answer(ok("done"));
  CHECK(client.received().ends_with("done"));
  WireMessage old = forwarded_message(
      "POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(old.count("Expect") == 0);
  CHECK(old.content == "hello");
}

TEST_CASE(
    "rule 63: trailers never become fields of the head, and none of routing, framing or identity passes") {
  const std::string trailers =
      "Host: evil\r\nContent-Length: 5\r\nAuthorization: Basic eDp5\r\nTransfer-Encoding: chunked\r\n"
      "X-Forwarded-For: 6.6.6.6\r\nCookie: a\r\nConnection: close\r\nSet-Cookie: a\r\n";
  const std::string body = "2\r\nok\r\n0\r\n" + trailers + "\r\n";
  std::string request = forwarded("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  CHECK(request.ends_with("\r\n\r\nok"));
  CHECK(read_requests(request).messages.at(0).field("Host") == "h");
  CHECK(request.find("evil") == std::string::npos);
  std::string response = relayed(get("/"), kChunked + body);
  CHECK(response.ends_with("\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  CHECK(response.find("Set-Cookie") == std::string::npos);
  CHECK(relayed(kOld, kChunked + body).ends_with("\r\n\r\nok"));
}

TEST_CASE("rule 63: malformed trailers are refused like any malformed body") {
  const std::string chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  std::string many;
  for (int i = 0; i < 17; ++i) many += "X: 1\r\n";
  check_requests_refused(
      {{"folded", chunked + "X: a\r\n b\r\n\r\n", 400, "bad-trailer"},
       {"no colon", chunked + "X\r\n\r\n", 400, "bad-trailer"},
       {"a space before the colon", chunked + "X : a\r\n\r\n", 400, "bad-trailer"},
       {"NUL", chunked + std::string("X: \0\r\n\r\n", 8), 400, "bad-trailer"},
       {"a line feed", chunked + "X: a\n\r\n", 400, "bad-trailer"},
       {"17 lines", chunked + many + "\r\n", 400, "bad-trailer"},
       {"9 kB", chunked + "X: " + std::string(9000, 'a') + "\r\n\r\n", 400, "bad-trailer"}});
}

}  // namespace
}  // namespace gracevisor::test
