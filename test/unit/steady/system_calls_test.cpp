// What the steady state asks of the kernel: per exchange on open connections two waits, two reads and two
// writes, and nothing else; and what it costs to leave the steady state.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "support/temp_folder.h"
#include "unit/steady/open_path.h"
#include "unit/steady/steps.h"

namespace gracevisor::test {
namespace {

base::Address app_address(const TempFolder& folder, bool local) {
  return local ? *base::Address::unix_path((folder / "app.sock").string())
               : base::Address::tcp_loopback(base::Port(0));
}

// An instance's answer, sent as far as it goes until the worker waits for the client; only then does that
// read.
void slow_exchange(Peer& client, Peer& side, const std::string& answer) {
  REQUIRE(client.send(get("/")));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  std::size_t changes = system_calls().epoll_changes;
  std::size_t sent = 0;
  auto send_more = [&] { sent += side.send_some(std::string_view(answer).substr(sent)); };
  REQUIRE(eventually([&] {
    send_more();
    return sent == answer.size() || system_calls().epoll_changes > changes;
  }));
  constexpr std::size_t kPiece = 65536;
  for (std::size_t got = 0; got < answer.size();) {
    std::size_t piece = client.read_exactly(std::min(kPiece, answer.size() - got)).size();
    REQUIRE(piece > 0);
    got += piece;
    send_more();
  }
}

// Of reads and writes, per exchange.
void check_nothing_but_two_each(const SystemCalls& calls) {
  CHECK(calls.reads == 2 * kCounted);
  CHECK(calls.writes == 2 * kCounted);
  CHECK(calls.epoll_changes == 0);
  CHECK(calls.others == 0);
}

}  // namespace

TEST_CASE(
    "worker: a keep-alive request takes two reads, two writes, two waits, and nothing else of the kernel") {
  count_others_only();
  TempFolder folder;
  for (bool local : {false, true}) {
    CAPTURE(local);
    FakeApp app(base::GenerationId(1), app_address(folder, local));
    ProxyRig rig({app.endpoint()});
    OpenPath path(rig, app, plain());
    SystemCalls calls = asked_by([&] { path.exchange(plain()); }).calls;
    check_nothing_but_two_each(calls);
    // A timer may wake the worker once or twice meanwhile.
    CHECK(calls.waits <= 2 * kCounted + 4);
  }
}

TEST_CASE(
    "worker: uploads and responses in one piece take as many system calls as a request without a body") {
  count_others_only();
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  OpenPath path(rig, app, plain());
  for (const Exchange& what : {upload("PUT"), chunked_upload("PUT"), form("PUT"), chunked_response()}) {
    CAPTURE(what.request);
    check_nothing_but_two_each(asked_by([&] { path.exchange(what); }).calls);
  }
}

TEST_CASE("worker: a small POST takes as many system calls as any request where its connection may be kept") {
  count_others_only();
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.reuse = config::ProxyOptions::Reuse::always;
  rig.publish();
  OpenPath path(rig, app, plain());
  check_nothing_but_two_each(asked_by([&] { path.exchange(form("POST")); }).calls);
}

TEST_CASE("worker: a body that comes behind its head takes one read more and nothing else of the kernel") {
  count_others_only();
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  OpenPath path(rig, app, plain());
  const SystemCalls calls = asked_by([&] { path.exchange_in_two(upload("PUT")); }).calls;
  // Now and then the worker looks at its doorbell, too: this takes longer than what is done in one go.
  CHECK(calls.reads >= 3 * kCounted);
  CHECK(calls.reads <= 3 * kCounted + kSlack);
  CHECK(calls.writes == 2 * kCounted);
  CHECK(calls.epoll_changes == 0);
  CHECK(calls.others == 0);
}

TEST_CASE(
    "worker: a request that must not be repeated costs a connection of its own, and no more than that") {
  count_others_only();
  TempFolder folder;
  for (bool local : {false, true}) {
    CAPTURE(local);
    FakeApp app(base::GenerationId(1), app_address(folder, local));
    ProxyRig rig({app.endpoint()});
    OpenPath path(rig, app, plain());
    Asked asked = asked_by([&] { path.dialled_exchange(upload("POST")); });
    // Measured: the connection's objects; to TCP what is being connected, too.
    CHECK(asked.allocations <= (local ? 4 : 5) * kCounted + kSlack);
    // Measured: made, connected, set up, closed; known to epoll, and forgotten. The test ends the connection
    // before, which the worker reads.
    CHECK(asked.calls.others <= 5 * kCounted + kSlack);
    CHECK(asked.calls.epoll_changes <= (local ? 2 : 4) * kCounted + kSlack);
    CHECK(asked.calls.reads <= 3 * kCounted + kSlack);
    CHECK(asked.calls.writes == 2 * kCounted);
  }
}

TEST_CASE("worker: what a slow reader's socket does not take costs two allocations a piece") {
  count_others_only();
  constexpr std::size_t kAnswers = 5;
  constexpr int kSmallWindow = 4096;
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect(kSmallWindow);
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("x")));
  REQUIRE(!client.read_message().empty());
  // More than any socket's buffer holds.
  const std::string answer = ok(std::string(std::size_t{16} << 20, 'x'));
  Asked asked = asked_by([&] { slow_exchange(client, side, answer); }, kAnswers);
  CHECK(asked.calls.epoll_changes > 0);  // it was too slow indeed
  CHECK(asked.allocations > 0);
  CHECK(asked.allocations <= 2 * asked.calls.reads);
  CHECK(asked.calls.others == 0);
}

}  // namespace gracevisor::test
