// Two daemons on one thread, of which the second takes over from the first, with one listening socket and a
// channel between them. Thread: the test's.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "passing.h"
#include "succession/client_channel.h"
#include "support/core_rig.h"

namespace gracevisor::test {

struct Channel {
  Channel() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    in = std::make_shared<succession::ClientChannel>(base::UniqueFd(ends[0]));
    out = std::make_shared<succession::ClientChannel>(base::UniqueFd(ends[1]));
  }
  // It takes a few records only.
  void narrow() const {
    int size = 1;
    REQUIRE(::setsockopt(in->fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  }
  std::shared_ptr<const succession::ClientChannel> in;   // the predecessor's end
  std::shared_ptr<const succession::ClientChannel> out;  // the successor's
};

struct Daemons {
  explicit Daemons(CoreRig::Layout layout = {}) : before(layout), after(layout, before) {}

  // All that can happen happens, at both.
  void settle() {
    constexpr int kRounds = 4;  // the client, one daemon, the other, the client
    for (int i = 0; i < kRounds; ++i) {
      before.settle();
      after.settle();
    }
  }
  // The kernel may take its time over many bytes. False: 20 s were not enough.
  template <class Condition>
  bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= end) return false;
      settle();
    }
    return true;
  }
  void pass(base::Duration by) {
    settle();
    before.pass(by);
    after.pass(base::Duration::zero());
    settle();
  }
  void prepare() {
    after.predecessor = channel.out;
    after.publish();
  }
  void hand_over() {
    before.successor = channel.in;
    before.publish();
  }
  // The successor's tables come first, as in a real upgrade.
  void succeed() {
    prepare();
    hand_over();
    settle();
  }
  [[nodiscard]] std::uint64_t handed() const { return before.port().handed.read(); }
  [[nodiscard]] std::uint64_t taken() const { return after.port().taken.read(); }
  [[nodiscard]] std::uint64_t to_hand() const { return before.port().to_hand.read(); }
  [[nodiscard]] std::uint64_t open_before() const { return before.sockets().ledger->open(); }
  [[nodiscard]] std::uint64_t open_after() const { return after.sockets().ledger->open(); }

  CoreRig before;
  CoreRig after;
  Channel channel;
};

// A request and its answer by an instance of that daemon, on its connection number `index` to one.
inline std::string served_by(Daemons& daemons, CoreRig& rig, RawEnd& client, std::size_t index = 0,
                             const std::string& request = get("/")) {
  (void)client.take();
  client.send(request);
  daemons.settle();
  RawEnd* app = rig.app(index);
  REQUIRE(app != nullptr);
  CHECK_FALSE(app->take().empty());
  app->send(ok("served"));
  daemons.settle();
  return client.take();
}

inline bool stays_open(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("served") &&
         value_of(answer, "Connection") == "(none)";
}

inline bool ends_with_it(const std::string& answer, const RawEnd& client) {
  return answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("served") &&
         value_of(answer, "Connection") == "close" && client.end() == End::finished;
}

}  // namespace gracevisor::test
