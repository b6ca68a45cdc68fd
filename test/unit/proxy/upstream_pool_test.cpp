// Idle connections to an instance: order, bounds, and what ends them.
#include "proxy/upstream_pool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "loop/loop.h"
#include "support/proxy_peer.h"
#include "support/run_until.h"

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
constexpr std::size_t kAtOnce = 4;

struct UpstreamPoolFixture {
  explicit UpstreamPoolFixture(std::size_t most = SIZE_MAX)
      : loop(std::move(*loop::Loop::create())),
        deadlines(*loop),
        upstreams(*loop, deadlines, most),
        pool(upstreams),
        other(upstreams) {}

  template <class Condition>
  bool run_until(const Condition& holds) {
    return test::run_until(*loop, holds);
  }
  [[nodiscard]] std::unique_ptr<Upstream> dialled() {
    User user;
    auto upstream = upstreams.dial(app.address(), user);
    REQUIRE(upstream);
    REQUIRE(run_until([&] { return user.connected; }));
    CHECK_FALSE((*upstream)->reused());
    return std::move(*upstream);
  }
  // One of kAtOnce connections that were used and are idle now; its other end.
  Peer pooled(UpstreamPool::Limits limits = {.age = kAge}, std::optional<unsigned> keep_alive = {}) {
    auto upstream = dialled();
    upstream->note_keep_alive(keep_alive);
    limits.in_use = kAtOnce - pool.size();
    pool.put(std::move(upstream), limits);
    return app.accept();
  }
  // Puts one while so many are in use with it; whether it was kept.
  bool kept(std::size_t in_use) {
    std::size_t before = pool.size();
    pool.put(dialled(), {.age = kAge, .in_use = in_use});
    return pool.size() == before + 1;
  }

  std::unique_ptr<loop::Loop> loop;
  loop::Deadlines deadlines;
  Upstreams upstreams;
  UpstreamPool pool;
  UpstreamPool other;
  Acceptor app;
};

TEST_CASE("pool: the connection that became idle last is taken first") {
  UpstreamPoolFixture f;
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
  UpstreamPoolFixture f;
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
  UpstreamPoolFixture f;
  Peer peer = f.pooled();
  CHECK(peer.quiet());
  f.pool.clear();
  CHECK_FALSE(peer.quiet());
  CHECK(peer.read_to_end().empty());
}

TEST_CASE("pool: nothing stays idle for longer than the bound") {
  UpstreamPoolFixture f;
  auto began = f.loop->now();
  Peer peer = f.pooled();
  CHECK(f.run_until([&] { return f.pool.size() == 0; }));
  CHECK(f.loop->now() - began >= kAge);
  CHECK(peer.read_to_end().empty());
}

TEST_CASE("pool: a connection is given up a second before the app closes it, or sooner") {
  UpstreamPoolFixture f;
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
  UpstreamPoolFixture f;
  const UpstreamPool::Limits limits{.age = kAge, .requests = 2};
  Peer peer = f.pooled(limits);
  User user;
  auto taken = f.pool.take(user);
  REQUIRE(taken);
  f.pool.put(std::move(taken), limits);
  CHECK(f.pool.size() == 0);
  CHECK(peer.read_to_end().empty());
}

TEST_CASE("pool: no more are kept than were in use at the same time") {
  UpstreamPoolFixture f;
  CHECK(f.kept(1));
  CHECK_FALSE(f.kept(1));
  CHECK(f.kept(3));
  CHECK(f.kept(1));
  CHECK_FALSE(f.kept(2));
  CHECK(f.pool.size() == 3);
  CHECK(f.upstreams.open() == 3);
}

TEST_CASE("pool: as many are kept as were in use, whatever their number") {
  UpstreamPoolFixture f;
  constexpr std::size_t kMany = 600;
  for (std::size_t in_use = kMany; in_use > 0; --in_use) REQUIRE(f.kept(in_use));
  CHECK_FALSE(f.kept(1));
  CHECK(f.pool.size() == kMany);
}

TEST_CASE("pool: how many were in use is forgotten when the pool is empty") {
  UpstreamPoolFixture f;
  User user;
  CHECK(f.kept(10));
  (void)f.pool.take(user);
  CHECK(f.kept(1));
  CHECK_FALSE(f.kept(1));
}

TEST_CASE("pool: whichever leaves, the others keep their order") {
  UpstreamPoolFixture f;
  User user;
  Peer first = f.pooled();
  Peer second = f.pooled();
  Peer third = f.pooled();
  second.close();
  CHECK(f.run_until([&] { return f.pool.size() == 2; }));
  Peer fourth = f.pooled();
  for (Peer* expected : {&fourth, &third, &first}) {
    auto taken = f.pool.take(user);
    REQUIRE(taken);
    CHECK(taken->stream().write("x") == loop::WriteResult::done);
    CHECK(expected->read_exactly(1) == "x");
  }
  CHECK(f.pool.take(user) == nullptr);
  CHECK(f.upstreams.open() == 0);
}

TEST_CASE(
    "pool: at the bound the connection that is idle for longest, of any endpoint, gives way to a dial") {
  UpstreamPoolFixture f(3);
  Peer oldest = f.pooled();
  f.other.put(f.dialled(), {.age = kAge});
  Peer others = f.app.accept();
  Peer newest = f.pooled();
  CHECK(f.upstreams.open() == 3);
  auto busy = f.dialled();
  CHECK(f.upstreams.open() == 3);
  CHECK(f.pool.size() == 1);
  CHECK(oldest.read_to_end().empty());
  auto busy_too = f.dialled();
  CHECK(f.other.size() == 0);
  CHECK(others.read_to_end().empty());
  auto busy_last = f.dialled();
  CHECK(f.pool.size() == 0);
  auto above = f.dialled();
  CHECK(f.upstreams.open() == 4);
}

TEST_CASE("pool: without a free descriptor the idle connections are given up before a dial fails") {
  UpstreamPoolFixture f;
  User user;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  Peer first = f.pooled();
  Peer second = f.pooled();
  // Whatever is opened from here on is refused.
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  auto refused = f.upstreams.dial(f.app.address(), user);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EMFILE);
  CHECK(f.pool.size() == 0);
  CHECK(first.read_to_end().empty());
  CHECK(second.read_to_end().empty());

  Peer third = f.pooled();
  Peer fourth = f.pooled();
  // Full, with a hole where an idle connection is.
  base::UniqueFd highest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(highest);
  std::vector<base::UniqueFd> fill;
  none.rlim_cur = static_cast<rlim_t>(highest.get()) + 1;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  while (base::UniqueFd fd{::dup(highest.get())}) fill.push_back(std::move(fd));
  auto dialled = f.upstreams.dial(f.app.address(), user);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(dialled);
  CHECK(f.pool.size() == 1);
  CHECK(third.read_to_end().empty());
  CHECK(fourth.quiet());
}

}  // namespace
}  // namespace gracevisor::proxy
