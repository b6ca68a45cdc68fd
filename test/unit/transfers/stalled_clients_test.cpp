// Clients that read nothing of a large response: their app is not read meanwhile, so its death goes
// unnoticed. Their ends are told by the table, and by the worker's own end, and never look like a whole
// response.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>

#include "support/core_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using Family = CoreRig::Family;

constexpr std::size_t kMore = std::size_t{32} << 20;  // than all buffers on the way take
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kOldGet = "GET / HTTP/1.0\r\nHost: h\r\n\r\n";

enum class Framing { length, chunked, until_close };
constexpr std::array kFramings{Framing::length, Framing::chunked, Framing::until_close};

std::string response(Framing framing, std::size_t size) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  switch (framing) {
    case Framing::length:  // spliced
      return head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'x');
    case Framing::chunked: {
      constexpr std::size_t kChunk = 0x10000;
      std::string text = head + "Transfer-Encoding: chunked\r\n\r\n";
      for (std::size_t i = 0; i < size; i += kChunk) text += "10000\r\n" + std::string(kChunk, 'x') + "\r\n";
      return text + "0\r\n\r\n";
    }
    case Framing::until_close: return head + "Connection: close\r\n\r\n" + std::string(size, 'x');
  }
  return {};
}

// A client that takes nothing of its response, and whose app has sent more than there is room for.
RawEnd& stalled_client(CoreRig& rig, std::size_t index, Framing framing) {
  RawEnd& client = rig.connect();
  client.send(framing == Framing::until_close ? kOldGet : kGet);
  rig.settle();
  client.pause(true);
  REQUIRE(rig.app(index) != nullptr);
  rig.app(index)->send(response(framing, kMore));
  rig.settle();
  REQUIRE(rig.app(index)->waiting() > 0);
  return client;
}

// The instance is no target any more.
void unroute(CoreRig& rig, bool closing) {
  rig.web.mode = routing::AppMode::stopped;
  rig.web.targets.clear();
  rig.web.leaving = {{rig.endpoint(0), closing}};
  rig.publish();
  rig.settle();
}

}  // namespace

TEST_CASE("stalled clients: an endpoint that is closing is free at once, and every response visibly cut") {
  for (Family apps : {Family::tcp, Family::local}) {
    for (bool dead : {false, true}) {
      CoreRig rig({.apps = apps});
      std::array<RawEnd*, kFramings.size()> clients{};
      for (std::size_t i = 0; i < clients.size(); ++i) clients[i] = &stalled_client(rig, i, kFramings[i]);
      unroute(rig, false);
      if (dead) {
        for (std::size_t i = 0; i < clients.size(); ++i) rig.app(i)->reset();
        rig.settle();
      }
      CHECK(rig.leases() > 0);  // a leaving endpoint alone cuts nobody
      unroute(rig, true);
      CHECK(rig.leases() == 0);
      CHECK(rig.cell().cut.read() == clients.size());
      CHECK(rig.counts().failed.read() == clients.size());
      for (RawEnd* client : clients) {
        client->pause(false);
        rig.settle();
        CHECK(client->end() == End::reset);
        CHECK(!read_responses(client->received(), client->end()).messages.at(0).whole);
      }
      CHECK(rig.finish() == "");
    }
  }
}

TEST_CASE("stalled clients: an upload that its app does not read is free at once, too") {
  CoreRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kMore) + "\r\n\r\n");
  rig.settle();
  rig.app(0)->pause(true);
  client.send(std::string(kMore, 'x'));
  rig.settle();
  REQUIRE(client.waiting() > 0);
  unroute(rig, true);
  CHECK(rig.leases() == 0);
  CHECK(read_responses(client.received(), client.end()).messages.at(0).status() == 503);
}

TEST_CASE(
    "stalled clients: a response without a lease is counted until its client has taken it, or is gone") {
  for (bool gone : {false, true}) {
    CoreRig rig({.clients = Family::local});
    RawEnd& client = rig.connect();
    client.send(kGet);
    rig.settle();
    client.pause(true);
    // More than a Unix socket takes, and no more than the worker takes from the app besides.
    rig.app(0)->send(response(Framing::chunked, std::size_t{5} << 16));
    rig.settle();
    REQUIRE(rig.leases() == 0);
    CHECK(rig.unsent() == 1);
    if (gone) client.reset();
    client.pause(false);
    rig.settle();
    CHECK(rig.unsent() == 0);
    CHECK(rig.finish() == "");
    if (!gone) CHECK(read_responses(client.received(), client.end()).messages.at(0).whole);
  }
}

// Such a response holds no lease any more: nothing but its client keeps it from its end.
TEST_CASE("stalled clients: what the worker's end leaves unsent of a close-delimited response looks cut") {
  bool seen = false;
  // The largest response that the worker takes from its app is larger than what it can give the client.
  std::size_t taken = 0;
  std::size_t refused = kMore;
  while (refused - taken > std::size_t{64} << 10) {
    const std::size_t size = (taken + refused) / 2;
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(kOldGet);
    rig.settle();
    client.pause(true);
    rig.app(0)->send(response(Framing::until_close, size));
    rig.app(0)->finish_writing();
    rig.settle();
    const bool all_taken = rig.leases() == 0;
    (all_taken ? taken : refused) = size;
    CHECK(rig.finish() == "");
    CHECK(rig.unsent() == 0);
    client.pause(false);
    REQUIRE(eventually([&] {
      (void)client.pump();
      return client.end() != End::open;
    }));
    const bool whole = client.received().size() >= size + std::string_view("HTTP/1.1 200 OK\r\n\r\n").size();
    CHECK((whole || client.end() == End::reset));
    seen = seen || (all_taken && !whole);
  }
  CHECK(seen);
}

}  // namespace gracevisor::test
