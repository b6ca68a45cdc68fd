// Idle connections to an instance: order, bounds, and what ends them.
#include "proxy/upstream_pool.h"

#include <doctest/doctest.h>

#include <optional>

#include "loop/loop.h"
#include "support/proxy_peer.h"

namespace gracevisor::proxy {
namespace {

using test::Acceptor;
using test::Peer;

struct User final : loop::StreamObserver {
  void on_connected() override { connected = true; }
  void on_bytes(std::string_view /*bytes*/) override {}
  void on_end() override {}
  void on_broken(int /*code*/) override {}
  void on_drained() override {}
  bool connected = false;
};

constexpr base::Duration kAge = std::chrono::seconds(2);

struct Fixture {
  Fixture() : loop(std::move(*loop::Loop::create())), deadlines(*loop), pool(*loop, deadlines) {}

  template <class Condition>
  bool run_until(const Condition& holds) {
    auto deadline = std::chrono::steady_clock::now() + test::kPatience;
    while (!holds() && std::chrono::steady_clock::now() < deadline) loop->run_once(true);
    return holds();
  }
  // A connection that was used and is idle now; its other end.
  Peer pooled(const UpstreamPool::Limits& limits = {.age = kAge}, std::optional<unsigned> keep_alive = {}) {
    User user;
    auto upstream = Upstream::dial(*loop, app.address(), user);
    REQUIRE(upstream);
    REQUIRE(run_until([&] { return user.connected; }));
    CHECK_FALSE((*upstream)->reused());
    (*upstream)->note_keep_alive(keep_alive);
    pool.put(std::move(*upstream), limits);
    return app.accept();
  }

  std::unique_ptr<loop::Loop> loop;
  loop::Deadlines deadlines;
  UpstreamPool pool;
  Acceptor app;
};

TEST_CASE("pool: the connection that became idle last is taken first") {
  Fixture f;
  User user;
  CHECK(f.pool.take(user) == nullptr);
  Peer first = f.pooled();
  Peer second = f.pooled();
  CHECK(f.pool.size() == 2);
  auto taken = f.pool.take(user);
  REQUIRE(taken);
  CHECK(taken->reused());
  CHECK(taken->stream().write("hello") == loop::WriteResult::done);
  CHECK(second.read_exactly(5) == "hello");
  CHECK(first.quiet());
  CHECK(f.pool.size() == 1);
}

TEST_CASE("pool: an end, a reset or a byte from the app closes an idle connection") {
  Fixture f;
  Peer ending = f.pooled();
  Peer resetting = f.pooled();
  Peer talking = f.pooled();
  ending.close();
  CHECK(f.run_until([&] { return f.pool.size() == 2; }));
  resetting.reset();
  CHECK(f.run_until([&] { return f.pool.size() == 1; }));
  REQUIRE(talking.send("x"));
  CHECK(f.run_until([&] { return f.pool.size() == 0; }));
  (void)talking.read_to_end();
  CHECK(talking.end() != test::End::open);
}

TEST_CASE("pool: clearing closes every descriptor before it returns") {
  Fixture f;
  Peer peer = f.pooled();
  CHECK(peer.quiet());
  f.pool.clear();
  CHECK_FALSE(peer.quiet());
  CHECK(peer.read_to_end().empty());
}

TEST_CASE("pool: nothing stays idle for longer than the bound") {
  Fixture f;
  auto began = f.loop->now();
  Peer peer = f.pooled();
  CHECK(f.run_until([&] { return f.pool.size() == 0; }));
  CHECK(f.loop->now() - began >= kAge);
  CHECK(peer.read_to_end().empty());
}

TEST_CASE("pool: a connection is given up a second before the app closes it, or sooner") {
  Fixture f;
  auto began = f.loop->now();
  Peer patient = f.pooled({.age = std::chrono::milliseconds(1200)}, 100);
  Peer brief = f.pooled({.age = std::chrono::seconds(60)}, 2);
  CHECK(f.pool.size() == 2);
  CHECK(f.run_until([&] { return f.pool.size() == 1; }));
  CHECK(f.loop->now() - began >= std::chrono::seconds(1));
  CHECK(brief.read_to_end().empty());
  CHECK(f.run_until([&] { return f.pool.size() == 0; }));
  CHECK(f.loop->now() - began >= std::chrono::milliseconds(1200));
  CHECK(patient.read_to_end().empty());
  for (unsigned none : {0U, 1U}) {
    Peer gone = f.pooled({.age = std::chrono::seconds(60)}, none);
    CHECK(f.pool.size() == 0);
    CHECK(gone.read_to_end().empty());
  }
}

TEST_CASE("pool: a connection is worn after so many requests") {
  Fixture f;
  const UpstreamPool::Limits limits{.age = kAge, .requests = 2};
  Peer peer = f.pooled(limits);
  User user;
  auto taken = f.pool.take(user);
  REQUIRE(taken);
  f.pool.put(std::move(taken), limits);
  CHECK(f.pool.size() == 0);
  CHECK(peer.read_to_end().empty());
}

}  // namespace
}  // namespace gracevisor::proxy
