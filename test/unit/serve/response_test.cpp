// Answers that come later or in pieces, over a real connection: clients that leave, clients that do not read,
// handlers that forget.
#include "serve/response.h"

#include <doctest/doctest.h>

#include <string>

#include "support/wire.h"
#include "unit/serve/fixture.h"

using namespace gracevisor;
using namespace gracevisor::serve;
using test::kGet;
using test::Kind;
using test::ServeFixture;

namespace {

constexpr std::string_view kText = "text/plain";

// A stream of the request that `fixture` has been asked.
Response& begin_stream(ServeFixture& fixture) {
  fixture.client->send(kGet);
  REQUIRE(fixture.until([&] { return !fixture.front.responses.empty(); }));
  fixture.front.responses[0]->begin_stream(200, kText);
  return *fixture.front.responses[0];
}

}  // namespace

TEST_CASE("response: a stream is chunked, a piece at a time, and the connection is kept") {
  for (const Kind kind : {Kind::unix_socket, Kind::tcp}) {
    ServeFixture fixture(kind);
    Response& response = begin_stream(fixture);
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(fixture.until([&] { return fixture.client->received() == head; }));
    response.add("a 1\n");
    CHECK(fixture.until([&] { return fixture.client->received() == head + "4\r\na 1\n\r\n"; }));
    response.add("");  // no end
    response.add(std::string(300, 'b'));
    CHECK(response.open());
    response.end();
    CHECK_FALSE(response.open());
    CHECK(fixture.until([&] { return fixture.client->received().ends_with("0\r\n\r\n"); }));
    const auto wire = test::read_responses(fixture.client->received(), test::End::open);
    CHECK(wire.problem.empty());
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].content == "a 1\n" + std::string(300, 'b'));
    CHECK(wire.messages[0].whole);
    fixture.front.script = [](Response& next) { next.answer({404, kText, "none"}); };
    CHECK(fixture.ask(kGet, "none").find("HTTP/1.1 404 Not Found\r\n") != std::string::npos);
  }
}

TEST_CASE("response: a client of HTTP/1.0 gets the plain stream until the end of the connection") {
  ServeFixture fixture;
  fixture.front.script = [](Response& response) {
    response.begin_stream(200, kText);
    response.add("a\n");
    response.add("b\n");
    response.end();
  };
  fixture.client->send("GET / HTTP/1.0\r\n\r\n");
  fixture.settle();
  CHECK(fixture.client->received() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\na\nb\n");
  CHECK(fixture.client->end() == test::End::finished);
}

TEST_CASE("response: a stream in answer to HEAD is a head") {
  ServeFixture fixture;
  fixture.front.script = [](Response& response) {
    response.begin_stream(200, kText);
    response.add("a\n");
    response.end();
  };
  fixture.client->send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  fixture.settle();
  CHECK(fixture.client->received() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("response: when the client leaves, the handler is told once, and every call is allowed") {
  ServeFixture fixture;
  Response& response = begin_stream(fixture);
  int gone = 0;
  response.on_gone([&] { ++gone; });
  fixture.client->close();
  CHECK(fixture.until([&] { return fixture.front.closed == 1; }));
  CHECK(gone == 0);
  CHECK_FALSE(response.open());
  response.add("a");
  response.end();
  CHECK(response.follow());
  fixture.connection->notify_gone();
  fixture.connection->notify_gone();
  CHECK(gone == 1);
}

TEST_CASE("response: a client that ends its side before the answer is complete has left") {
  ServeFixture fixture;
  Response& response = begin_stream(fixture);
  fixture.client->finish_writing();
  CHECK(fixture.until([&] { return fixture.front.closed == 1; }));
  CHECK_FALSE(response.open());
}

TEST_CASE("response: a large answer reaches a client that is done sending") {
  const std::string body(3U << 20, 'y');
  ServeFixture fixture;
  fixture.front.script = [&](Response& response) { response.answer({200, kText, body}); };
  fixture.client->send(kGet);
  fixture.client->finish_writing();
  CHECK(fixture.until([&] { return fixture.client->end() == test::End::finished; }));
  CHECK(fixture.client->received().ends_with("\r\n\r\n" + body));
}

TEST_CASE("response: a reader that does not keep pace is cut off at the limit, and visibly") {
  ServeFixture fixture(Kind::unix_socket, {.queued = 100'000});
  Response& response = begin_stream(fixture);
  fixture.settle();
  fixture.client->pause(true);
  const std::string piece(1000, 'x');
  std::size_t count = 0;
  for (; response.open() && count < 100'000; ++count) response.add(piece);
  CHECK(count > 100);
  CHECK(count < 10'000);
  CHECK(fixture.front.closed == 1);
  fixture.client->pause(false);
  CHECK(fixture.until([&] { return fixture.client->end() != test::End::open; }));
  CHECK_FALSE(fixture.client->received().ends_with("0\r\n\r\n"));
}

TEST_CASE("response: what is sent at once has a limit of its own, and then the reader has to keep pace") {
  ServeFixture fixture(Kind::unix_socket, {.queued = 100'000, .at_once = 4U << 20});
  fixture.front.script = [](Response& response) {
    response.begin_stream(200, kText);
    for (int i = 0; i < 30; ++i) response.add(std::string(100'000, 'p'));
  };
  fixture.client->send(kGet);
  fixture.client->pause(true);
  fixture.settle();
  REQUIRE(fixture.front.responses.size() == 1);
  Response& response = *fixture.front.responses[0];
  CHECK(response.open());
  response.add(std::string(90'000, 'q'));
  CHECK(response.open());
  // Once it has read everything, only what is new counts.
  fixture.client->pause(false);
  CHECK(fixture.until([&] { return fixture.client->received().find("q\r\n") != std::string::npos; }));
  fixture.settle();
  response.add(std::string(90'000, 'r'));
  CHECK(response.open());
  response.add(std::string(500'000, 's'));
  CHECK_FALSE(response.open());

  ServeFixture beyond(Kind::unix_socket, {.at_once = 1U << 20});
  beyond.front.script = [](Response& all) {
    all.begin_stream(200, kText);
    for (int i = 0; i < 30; ++i) all.add(std::string(100'000, 'p'));
  };
  beyond.client->send(kGet);
  beyond.client->pause(true);
  beyond.settle();
  CHECK(beyond.front.closed == 1);
}

TEST_CASE("response: who waits for a slow reader is told whenever everything is taken") {
  ServeFixture fixture(Kind::unix_socket, {.queued = 4U << 20});
  Response& response = begin_stream(fixture);
  fixture.settle();
  int drained = 0;
  response.on_drained([&] {
    if (++drained == 1) response.add(std::string(2U << 20, 'b'));  // in the midst of it
  });
  response.add("at once");
  fixture.settle();
  CHECK(response.queued() == 0);
  CHECK(drained == 0);
  fixture.client->pause(true);
  response.add(std::string(2U << 20, 'a'));
  CHECK(response.queued() > 0);
  fixture.settle();
  CHECK(drained == 0);
  fixture.client->pause(false);
  CHECK(fixture.until([&] { return drained == 2; }));
  CHECK(response.queued() == 0);
  response.on_drained({});
  response.add(std::string(2U << 20, 'c'));
  CHECK(fixture.until([&] { return response.queued() == 0; }));
  CHECK(drained == 2);
}

TEST_CASE("response: a place to follow is asked for, and free again after the answer") {
  ServeFixture fixture;
  fixture.client->send(kGet);
  fixture.settle();
  REQUIRE(fixture.front.responses.size() == 1);
  Response& response = *fixture.front.responses[0];
  fixture.front.may_follow = false;
  CHECK_FALSE(response.follow());
  CHECK_FALSE(fixture.connection->follows());
  fixture.front.may_follow = true;
  CHECK(response.follow());
  CHECK(fixture.connection->follows());
  response.begin_stream(200, kText);
  response.end();
  CHECK_FALSE(fixture.connection->follows());
}

TEST_CASE("response: one that is dropped unanswered becomes a 500, and a stream that is dropped is cut") {
  ServeFixture fixture;
  fixture.client->send(kGet);
  fixture.settle();
  fixture.front.responses.clear();
  fixture.settle();
  CHECK(fixture.client->take() ==
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nfault");
  REQUIRE(fixture.front.faults.size() == 1);
  CHECK(fixture.front.faults[0].kind == Fault::Kind::unanswered);
  (void)begin_stream(fixture);
  fixture.front.responses.clear();
  CHECK(fixture.front.closed == 1);
  CHECK(fixture.until([&] { return fixture.client->end() != test::End::open; }));
  CHECK_FALSE(fixture.client->take().ends_with("0\r\n\r\n"));
}

TEST_CASE("response: one that outlives its connection is inert, and nobody is told") {
  ServeFixture fixture;
  Response& response = begin_stream(fixture);
  int gone = 0;
  response.on_gone([&] { ++gone; });
  fixture.connection.reset();
  CHECK_FALSE(response.open());
  response.add("a");
  response.end();
  CHECK(gone == 0);
}
