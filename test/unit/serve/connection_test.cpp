// Requests as a front sees them, whole answers, and what the connection refuses by itself.
#include "serve/connection.h"

#include <doctest/doctest.h>

#include <string>

#include "support/shifted_clock.h"
#include "unit/serve/fixture.h"

using namespace gracevisor;
using namespace gracevisor::serve;
using test::kGet;
using test::Kind;
using test::post;
using test::ServeFixture;

namespace {

const auto kHello = [](Response& response) { response.answer({200, "text/plain; version=0.0.4", "up 1\n"}); };

constexpr std::string_view kHelloBytes =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 5\r\n\r\nup 1\n";

}  // namespace

TEST_CASE("connection: any type of content is answered, over a Unix socket and over TCP") {
  for (const Kind kind : {Kind::unix_socket, Kind::tcp}) {
    ServeFixture fixture(kind);
    fixture.front.script = kHello;
    CHECK(fixture.ask(kGet, "up 1\n") == kHelloBytes);
    REQUIRE(fixture.front.asked.size() == 1);
    CHECK(fixture.front.asked[0].target == "/metrics");
    CHECK(fixture.front.asked[0].body.empty());
  }
}

TEST_CASE("connection: it carries one request after the other") {
  ServeFixture fixture;
  fixture.front.script = kHello;
  for (int i = 0; i < 3; ++i) CHECK(fixture.ask(kGet, "up 1\n") == kHelloBytes);
  CHECK(fixture.front.asked.size() == 3);
  CHECK(fixture.front.closed == 0);
}

TEST_CASE("connection: a request in single bytes is a request") {
  ServeFixture fixture;
  fixture.front.script = kHello;
  for (const char byte : post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
    fixture.client->send({&byte, 1});
    fixture.settle();
  }
  CHECK(fixture.client->received() == kHelloBytes);
  REQUIRE(fixture.front.asked.size() == 1);
  CHECK(fixture.front.asked[0].body == "abcde");
}

TEST_CASE("connection: what follows before the answer is not a request, and the connection closes") {
  ServeFixture fixture;
  fixture.front.script = kHello;
  fixture.client->send(std::string(kGet) + std::string(kGet));
  fixture.settle();
  CHECK(fixture.client->end() == test::End::finished);
  const std::string& all = fixture.client->received();
  CHECK(all.find("Connection: close\r\n") != std::string::npos);
  CHECK(all.find("HTTP/1.1", 1) == std::string::npos);
  CHECK(fixture.front.asked.size() == 1);
}

TEST_CASE("connection: what arrives while a request is handled is discarded, and the connection closes") {
  ServeFixture fixture;
  fixture.client->send(kGet);
  fixture.settle();
  fixture.client->send(kGet);
  fixture.settle();
  REQUIRE(fixture.front.responses.size() == 1);
  kHello(*fixture.front.responses[0]);
  fixture.settle();
  CHECK(fixture.client->received().find("Connection: close\r\n") != std::string::npos);
  CHECK(fixture.client->end() == test::End::finished);
  CHECK(fixture.front.asked.size() == 1);
}

TEST_CASE("connection: an answer to HEAD says how long the content would be, and the next one has content") {
  ServeFixture fixture;
  fixture.front.script = kHello;
  const auto head_of = kHelloBytes.substr(0, kHelloBytes.size() - 5);
  CHECK(fixture.ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n") == head_of);
  CHECK(fixture.ask(kGet, "up 1\n") == kHelloBytes);
}

TEST_CASE("connection: a client that waits for 100 Continue gets it, unless its body is too large") {
  ServeFixture fixture(Kind::unix_socket, {.body = 2});
  fixture.front.script = kHello;
  CHECK(fixture.ask(post("Content-Length: 2\r\nExpect: 100-continue\r\n", ""), "\r\n\r\n") ==
        "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(fixture.ask("{}", "up 1\n") == kHelloBytes);
  CHECK(fixture.ask(post("Content-Length: 3\r\nExpect: 100-continue\r\n", ""), "fault")
            .starts_with("HTTP/1.1 413 "));
}

TEST_CASE("connection: what the front refuses by its head is answered, and its body is not read") {
  ServeFixture fixture;
  fixture.front.refusal = Content{403, "text/plain", "not here"};
  CHECK(fixture.ask(post("Content-Length: 100\r\n", "abc"), "not here") ==
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n"
        "Connection: close\r\n\r\nnot here");
  // A client that is still sending can read it.
  fixture.client->send(std::string(97, 'x'));
  fixture.settle();
  CHECK(fixture.client->end() == test::End::finished);
  CHECK(fixture.front.asked.empty());
  CHECK(fixture.front.closed == 0);
  fixture.client->close();
  CHECK(fixture.until([&] { return fixture.front.closed == 1; }));
}

TEST_CASE("connection: what is no request is refused with the fault's status, and the front explains it") {
  struct Row {
    std::string bytes;
    Fault::Kind kind;
    int status;
    std::string_view token;
  };
  const Limits small{.head = {.target = 20}, .body = 4};
  for (const Row& row : {
           Row{"GET / HTTP/1.1\r\n\r\n", Fault::Kind::bad_head, 400, "bad-host"},
           Row{"GET /" + std::string(20, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", Fault::Kind::bad_head, 414,
               "target-too-long"},
           Row{post("Transfer-Encoding: chunked\r\n", "zz\r\n"), Fault::Kind::bad_body, 400, ""},
           Row{post("Content-Length: 5\r\n", ""), Fault::Kind::large_body, 413, ""},
           Row{post("Transfer-Encoding: chunked\r\n", "5\r\nabcde"), Fault::Kind::large_body, 413, ""},
       }) {
    CAPTURE(row.bytes);
    ServeFixture fixture(Kind::unix_socket, small);
    fixture.client->send(row.bytes);
    fixture.settle();
    CHECK(fixture.client->received().starts_with("HTTP/1.1 " + std::to_string(row.status) + " "));
    CHECK(fixture.client->received().ends_with("Connection: close\r\n\r\nfault"));
    CHECK(fixture.client->end() == test::End::finished);
    REQUIRE(fixture.front.faults.size() == 1);
    CHECK(fixture.front.faults[0].kind == row.kind);
    CHECK(fixture.front.faults[0].status == row.status);
    CHECK(fixture.front.faults[0].token == row.token);
    CHECK(fixture.front.asked.empty());
  }
}

TEST_CASE("connection: a request that is late is refused, and a silent client is closed without a word") {
  for (const std::string& part : {std::string("GET /metr"), post("Content-Length: 4\r\n", "ab")}) {
    CAPTURE(part);
    ServeFixture fixture;
    fixture.client->send(part);
    fixture.settle();
    test::shift_clock(std::chrono::seconds(11));
    CHECK(fixture.until([&] { return fixture.client->end() == test::End::finished; }));
    CHECK(fixture.client->received().starts_with("HTTP/1.1 408 "));
    CHECK(fixture.front.closed == 0);
    // It does not leave either.
    test::shift_clock(std::chrono::seconds(11));
    CHECK(fixture.until([&] { return fixture.front.closed == 1; }));
  }
  ServeFixture silent;
  test::shift_clock(std::chrono::seconds(11));
  CHECK(silent.until([&] { return silent.front.closed == 1; }));
  CHECK(silent.client->received().empty());
}

TEST_CASE("connection: it waits for its client except while a request is answered") {
  ServeFixture fixture;
  const auto since = fixture.connection->waits_since();
  REQUIRE(since);
  fixture.client->send("GET /metr");
  fixture.settle();
  CHECK(fixture.connection->waits_since() == since);
  fixture.client->send("ics HTTP/1.1\r\nHost: a\r\n\r\n");
  fixture.settle();
  CHECK_FALSE(fixture.connection->waits_since());
  // However long that takes.
  test::shift_clock(std::chrono::hours(1));
  fixture.settle();
  kHello(*fixture.front.responses.at(0));
  fixture.settle();
  CHECK(fixture.client->received() == kHelloBytes);
  CHECK(fixture.connection->waits_since() >= *since + std::chrono::hours(1));
  fixture.connection->give_up();
  CHECK(fixture.front.closed == 1);
  CHECK_FALSE(fixture.connection->waits_since());
}

TEST_CASE("connection: a client for which there is no place is told so, if it has room for that") {
  auto sockets = test::connected_sockets(Kind::unix_socket);
  turn_away(sockets.ours, {503, "text/plain", "full"});
  sockets.ours.reset();
  test::RawEnd client(std::move(sockets.peer));
  client.pump();
  CHECK(client.received() ==
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n"
        "Connection: close\r\n\r\nfull");
  CHECK(client.end() == test::End::finished);
  // Nor does it matter if the client is not there.
  auto left = test::connected_sockets(Kind::unix_socket);
  left.peer.reset();
  turn_away(left.ours, {503, "text/plain", "full"});
}
