// Large content of a known length, which passes through a pipe of the kernel's: whole in every pairing of
// sockets, and cut where it must not look whole.
#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <string>

#include "support/core_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using Family = CoreRig::Family;

constexpr std::size_t kSize = std::size_t{4} << 20;
constexpr std::size_t kMore = std::size_t{32} << 20;  // than all buffers on the way take

// No two places in it look alike.
std::string content(std::size_t size) {
  std::string text;
  text.reserve(size + 16);
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

std::string response_head(std::size_t size) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

std::string upload_head(std::size_t size) {
  return "PUT /up HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
}

std::size_t pipes() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry.path(), gone).string().starts_with("pipe:") ? 1U : 0U;
  }
  return count;
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";

// A client that takes nothing of its large response.
RawEnd& stalled_download(CoreRig& rig) {
  RawEnd& client = rig.connect();
  client.send(kGet);
  rig.settle();
  client.pause(true);
  rig.app(0)->send(response_head(kMore) + content(kMore));
  rig.settle();
  REQUIRE(rig.app(0)->waiting() > 0);
  return client;
}

struct Pairing {
  Family clients;
  Family apps;
};
constexpr std::array<Pairing, 4> kPairings{{{Family::tcp, Family::tcp},
                                            {Family::tcp, Family::local},
                                            {Family::local, Family::tcp},
                                            {Family::local, Family::local}}};

CoreRig::Layout layout_of(const Pairing& pairing) {
  return {.clients = pairing.clients, .apps = pairing.apps};
}

}  // namespace

TEST_CASE("splice: a large response arrives whole, to a reader who stalls, and both connections go on") {
  const std::string body = content(kMore);
  for (const Pairing& pairing : kPairings) {
    CoreRig rig(layout_of(pairing));
    RawEnd& client = rig.connect();
    client.send(kGet);
    rig.settle();
    const std::size_t pipes_before = pipes();
    client.pause(true);
    rig.app(0)->send(response_head(kMore) + body);
    client.send(kNext);  // which is read meanwhile, and waits
    rig.settle();
    CHECK(rig.app(0)->waiting() > 0);
    CHECK(pipes() == pipes_before + 2);
    client.pause(false);
    rig.settle();
    rig.app(0)->send(response_head(2) + "ok");
    rig.settle();
    const Wire wire = read_responses(client.received(), client.end());
    REQUIRE(wire.messages.size() == 2);
    CHECK(wire.messages[0].whole);
    CHECK(wire.messages[0].content == body);
    CHECK(wire.messages[1].content == "ok");
    CHECK(rig.app_connections() == 1);  // used again
    CHECK(rig.app(0)->received().ends_with("\r\n\r\n"));
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("splice: a large upload arrives whole, at an app that stalls, and both connections go on") {
  const std::string body = content(kMore);
  for (const Pairing& pairing : kPairings) {
    CoreRig rig(layout_of(pairing));
    rig.options.request_buffer = 0;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(upload_head(kMore));
    rig.settle();
    const std::size_t pipes_before = pipes();
    rig.app(0)->pause(true);
    client.send(body);
    client.send(kNext);
    rig.settle();
    CHECK(client.waiting() > 0);
    CHECK(pipes() == pipes_before + 2);
    rig.app(0)->pause(false);
    rig.settle();
    rig.app(0)->send(response_head(2) + "ok");
    rig.settle();
    rig.app(0)->send(response_head(4) + "next");
    rig.settle();
    const Wire asked = read_requests(rig.app(0)->received());
    REQUIRE(asked.messages.size() == 2);
    CHECK(asked.messages[0].content == body);
    CHECK(asked.messages[1].start.starts_with("GET /next "));
    const Wire wire = read_responses(client.received(), client.end());
    REQUIRE(wire.messages.size() == 2);
    CHECK(wire.messages[1].content == "next");
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("splice: a pipe is used again, and a small body takes none") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  const std::size_t none = pipes();
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    rig.settle();
    rig.app(0)->send(response_head(1000) + content(1000));
    rig.settle();
  }
  CHECK(pipes() == none);
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    rig.settle();
    rig.app(0)->send(response_head(kSize) + content(kSize));
    rig.settle();
    CHECK(pipes() == none + 2);
  }
  CHECK(read_responses(client.received(), client.end()).messages.size() == 6);
}

TEST_CASE("splice: a response that ends too early is cut") {
  for (const Pairing& pairing : kPairings) {
    for (bool stalled : {false, true}) {
      CoreRig rig(layout_of(pairing));
      RawEnd& client = rig.connect();
      client.send(kGet);
      rig.settle();
      client.pause(stalled);
      rig.app(0)->send(response_head(kSize) + content(kSize / 2));
      rig.app(0)->finish_writing();
      rig.settle();
      client.pause(false);
      rig.settle();
      CHECK(client.end() != End::open);
      const Wire wire = read_responses(client.received(), client.end());
      REQUIRE(wire.messages.size() == 1);
      CHECK(!wire.messages[0].whole);
      CHECK(rig.counts().failed.read() == 1);
      CHECK(rig.leases() == 0);
      CHECK(rig.finish() == "");
    }
  }
}

TEST_CASE("splice: an app that resets in the middle cuts the response") {
  CoreRig rig({.apps = Family::tcp});
  RawEnd& client = rig.connect();
  client.send(kGet);
  rig.settle();
  rig.app(0)->send(response_head(kSize) + content(kSize / 2));
  rig.settle();
  rig.app(0)->reset();
  rig.settle();
  CHECK(client.end() == End::reset);
  CHECK(rig.leases() == 0);
}

TEST_CASE("splice: what an app sends behind the end belongs to nobody") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(kGet);
  rig.settle();
  rig.app(0)->send(response_head(kSize) + content(kSize) + response_head(8) + "smuggled");
  rig.settle();
  client.send(kNext);
  rig.settle();
  REQUIRE(rig.app_connections() == 2);
  rig.app(1)->send(response_head(4) + "next");
  rig.settle();
  const Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 2);
  CHECK(wire.messages[0].content == content(kSize));
  CHECK(wire.messages[1].content == "next");
}

TEST_CASE("splice: a client that leaves has the app's connection closed, or its response read to the end") {
  for (bool finish : {false, true}) {
    CoreRig rig;
    using Abort = config::ProxyOptions::ClientAbort;
    rig.options.on_client_abort = finish ? Abort::finish : Abort::close;
    rig.publish();
    RawEnd& client = stalled_download(rig);
    client.reset();
    rig.settle();
    CHECK(rig.leases() == 0);
    CHECK(rig.app(0)->writable() == finish);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("splice: an upload that ends too early never looks whole") {
  for (const Pairing& pairing : kPairings) {
    for (bool reset : {false, true}) {
      CoreRig rig(layout_of(pairing));
      RawEnd& client = rig.connect();
      client.send(upload_head(kSize) + content(kSize / 2));
      rig.settle();
      if (reset) {
        client.reset();
      } else {
        client.finish_writing();
      }
      rig.settle();
      CHECK(rig.app(0)->end() != End::open);
      CHECK(rig.leases() == 0);
      const Wire asked = read_requests(rig.app(0)->received());
      CHECK((asked.messages.empty() || !asked.messages[0].whole));
      CHECK(rig.finish() == "");
    }
  }
}

TEST_CASE("splice: an early answer ends an upload that passes unseen") {
  for (bool stalled : {false, true}) {
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(upload_head(kSize) + content(kSize / 4));
    rig.settle();
    rig.app(0)->pause(stalled);
    client.send(content(kSize / 2));
    rig.settle();
    rig.app(0)->send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    rig.settle();
    const Wire wire = read_responses(client.received(), client.end());
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].status() == 413);
    CHECK(wire.messages[0].content == "big");
    CHECK(rig.leases() == 0);
    client.finish_writing();
    rig.settle();
    CHECK(client.end() == End::finished);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("splice: a client too slow for min_body_rate is told so") {
  CoreRig rig;
  rig.options.min_body_rate = 1 << 20;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(upload_head(kSize) + content(kSize / 4));
  rig.settle();
  rig.pass(std::chrono::seconds(4));
  client.send(content(1000));
  rig.settle();
  CHECK(client.received().empty());
  rig.pass(std::chrono::seconds(2));
  client.send(content(1000));
  rig.settle();
  const Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].status() == 408);
  CHECK(rig.leases() == 0);
}

TEST_CASE("splice: the time in which an app stalls does not count against min_body_rate") {
  CoreRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  rig.options.min_body_rate = 1 << 20;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(upload_head(kMore));
  rig.settle();
  rig.app(0)->pause(true);
  client.send(content(kMore / 2));
  rig.settle();
  REQUIRE(client.waiting() > 0);
  rig.pass(std::chrono::seconds(29));
  rig.app(0)->pause(false);
  rig.settle();
  rig.pass(std::chrono::seconds(2));
  client.send(content(kMore / 2));
  rig.settle();
  CHECK(client.received().empty());
  rig.app(0)->send(response_head(2) + "ok");
  rig.settle();
  CHECK(read_responses(client.received(), client.end()).messages.size() == 1);
}

TEST_CASE("splice: a reader who takes nothing for send_timeout is cut") {
  CoreRig rig;
  RawEnd& client = stalled_download(rig);
  REQUIRE(rig.leases() == 1);
  rig.pass(std::chrono::seconds(31));
  CHECK(rig.leases() == 0);
  client.pause(false);
  rig.settle();
  CHECK(client.end() == End::reset);
}

}  // namespace gracevisor::test
