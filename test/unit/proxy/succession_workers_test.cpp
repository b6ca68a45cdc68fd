// Real workers of two daemons: none of their clients is lost when one takes over from the other.
#include <array>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "daemons.h"
#include "logged.h"

namespace gracevisor::test {
namespace {

using Crew = ProxyRig::Crew;

// Answered by the worker itself, whatever is routed, and the connection stays open.
const std::string kPing = "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";

std::uint64_t sum(ProxyRig& rig, std::size_t workers, handoff::Tally routing::WorkerPort::* count) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < workers; ++i) total += (rig.port(i).*count).read();
  return total;
}

TEST_CASE("succession: clients of several workers ask all the time, and none is closed or waits in vain") {
  constexpr std::size_t kWorkers = 2;
  constexpr std::size_t kClients = 16;
  ProxyRig before({}, Crew{.workers = kWorkers});
  ProxyRig after({}, Crew{.workers = kWorkers, .before = &before});
  Channel channel;
  handoff::Gauge asked{0};
  handoff::Tally over;
  std::vector<std::string> faults(kClients);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      Peer client = before.connect();
      while (over.read() == 0 && faults[i].empty()) {
        const std::string request = i % 2 == 0 ? kPing : kPing + kPing;
        if (!client.send(request)) faults[i] = "not sent";
        for (std::size_t n = 0; n < request.size(); n += kPing.size()) {
          const std::string answer = client.read_message();
          if (!answer.starts_with("HTTP/1.1 200 ")) faults[i] = "not answered: " + answer;
          if (value_of(answer, "Connection") == "close") faults[i] = "is told that it ends";
          asked.raise();
        }
      }
      if (!client.quiet()) faults[i] = "closed";
    });
  }
  CHECK(eventually([&] { return asked.read() > 100 * kClients; }));
  after.predecessor = channel.out;
  after.publish();
  before.successor = channel.in;
  before.publish();
  CHECK(eventually([&] { return before.sockets()->ledger->open() == 0; }));
  const std::uint64_t then = asked.read();
  CHECK(eventually([&] { return asked.read() > then + 100 * kClients; }));
  over.set(1);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& fault : faults) CHECK(fault == "");
  CHECK(sum(before, kWorkers, &routing::WorkerPort::to_hand) == 0);
  CHECK(sum(after, kWorkers, &routing::WorkerPort::taken) ==
        sum(before, kWorkers, &routing::WorkerPort::handed));
}

TEST_CASE("succession: what the successor takes over is balanced over its workers") {
  ProxyRig rig({}, Crew{.workers = 2});
  Channel channel;
  std::vector<Peer> clients;
  std::vector<base::UniqueFd> connections;
  rig.predecessor = channel.out;
  rig.publish();
  for (int i = 0; i < 16; ++i) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    clients.emplace_back(base::UniqueFd(ends[0]));
    base::UniqueFd connection(ends[1]);
    const succession::ClientState state{.listener = rig.address().text(),
                                        .client = base::Address::tcp_loopback(base::Port(0)),
                                        .preface = false,
                                        .served = true,
                                        .bytes = kPing};
    REQUIRE(channel.in->give(connection.get(), state) == succession::ClientChannel::Given::given);
    connection.reset();
    CHECK(clients.back().read_message().starts_with("HTTP/1.1 200 "));
  }
  const std::vector<std::uint64_t> loads = rig.connections();
  CHECK(loads[0] + loads[1] == 16);
  CHECK(loads[0] >= 7);
  CHECK(loads[1] >= 7);
  CHECK(rig.sockets()->ledger->open() == 16);
  CHECK(rig.port(0).taken.read() + rig.port(1).taken.read() == 16);
}

TEST_CASE("succession: what another worker had passed on is taken in, and handed on") {
  for (bool tcp : {false, true}) {
    FakeApp app;
    ProxyRig rig({app.endpoint()}, Crew{.workers = 1, .outsiders = 1});
    Channel channel;
    if (tcp) {
      rig.web.protocol = config::Protocol::tcp;
      rig.tcp = rig.web.id;
    }
    rig.successor = channel.in;
    rig.publish();
    proxy::AcceptMember beside(&rig.accept_group(), base::WorkerIndex(1));
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    Peer client{base::UniqueFd(ends[0])};
    REQUIRE(beside.pass(base::WorkerIndex(0),
                        {{{base::UniqueFd(ends[1]), base::Address::tcp_loopback(base::Port(0))}, {}},
                         rig.sockets(),
                         std::make_shared<config::Listener>(rig.listener),
                         rig.epoch()}));
    std::optional<succession::ClientConnection> taken;
    CHECK(eventually([&] {
      if (auto next = channel.out->take()) taken = std::move(*next);
      return taken.has_value();
    }));
    REQUIRE(taken);
    CHECK(taken->state.listener == rig.address().text());
    CHECK(taken->state.client.host_text() == "127.0.0.1");
    CHECK_FALSE(taken->state.served);
    CHECK(client.quiet());
    CHECK(app.quiet());
    CHECK(eventually([&] { return rig.connections() == std::vector<std::uint64_t>{0}; }));
  }
}

TEST_CASE("succession: an access log says nothing about a connection that goes") {
  Logged logged;
  Channel channel;
  Peer client = logged.rig.connect();
  REQUIRE(client.send("GET / HTTP/1.1\r\nHo"));
  Peer idle = logged.rig.connect();
  REQUIRE(idle.send(kPing));
  CHECK(idle.read_message().starts_with("HTTP/1.1 200 "));
  (void)logged.lines.next();
  logged.rig.successor = channel.in;
  logged.rig.publish();
  CHECK(eventually([&] { return logged.rig.port().handed.read() == 2; }));
  CHECK(logged.rig.finish() == 0);
  CHECK(logged.lines.none());
}

}  // namespace
}  // namespace gracevisor::test
