// Several workers on one listener: who serves a connection, and that none is lost on its way.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "passing.h"
#include "support/descriptors.h"
#include "support/temp_folder.h"

namespace gracevisor::test {
namespace {

using Crew = ProxyRig::Crew;
using Loads = std::vector<std::uint64_t>;

// Answered by the worker itself, whatever is routed, and the connection stays open.
const std::string kPing = "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";

bool answers(Peer& client) {
  return client.send(kPing) && client.read_message().starts_with("HTTP/1.1 ");
}

void check_balanced(const ProxyRig& rig, std::size_t clients) {
  Loads loads = rig.connections();
  CAPTURE(loads.front());
  CAPTURE(loads.back());
  CHECK(std::accumulate(loads.begin(), loads.end(), std::uint64_t{0}) == clients);
  auto [least, most] = std::minmax_element(loads.begin(), loads.end());
  CHECK(*most <= *least + *least / 4 + 1);
}

TEST_CASE("accept group: sixteen long connections are balanced over the workers, whoever accepts them") {
  TempFolder folder;
  auto path = base::Address::unix_path((folder / "public").string());
  REQUIRE(path);
  for (std::size_t workers : {2U, 4U}) {
    for (const Crew& crew : {Crew{.workers = workers}, Crew{.workers = workers, .address = *path},
                             Crew{.workers = workers, .dealing = Crew::Dealing::to_first}}) {
      CAPTURE(workers);
      CAPTURE(crew.address.text());
      ProxyRig rig({}, crew);
      std::vector<Peer> clients;
      for (int i = 0; i < 16; ++i) REQUIRE(answers(clients.emplace_back(rig.connect())));
      check_balanced(rig, 16);
      for (Peer& client : clients) CHECK(answers(client));
      // Room that is made is used again.
      clients.resize(clients.size() / 2);
      REQUIRE(eventually([&] {
        Loads loads = rig.connections();
        return std::accumulate(loads.begin(), loads.end(), std::uint64_t{0}) == clients.size();
      }));
      clients.clear();
      REQUIRE(eventually([&] { return rig.connections() == Loads(workers, 0); }));
    }
  }
}

TEST_CASE("accept group: a burst at one worker is balanced as well") {
  ProxyRig rig({}, Crew{.workers = 2, .dealing = Crew::Dealing::to_first});
  std::vector<Peer> clients;
  for (int i = 0; i < 16; ++i) clients.push_back(rig.connect());
  for (Peer& client : clients) REQUIRE(answers(client));
  check_balanced(rig, 16);
  CHECK(rig.connections() == Loads{9, 7});
}

TEST_CASE(
    "accept group: a connection that is passed on has its client, its limits and its routes over there") {
  FakeApp app(base::GenerationId(1), base::Address::tcp_loopback(base::Port(0)), base::Slot(1), 2);
  ProxyRig rig({app.endpoint()}, Crew{.workers = 2, .dealing = Crew::Dealing::to_first});
  rig.listener.proxy_protocol = true;
  rig.listener.max_target = 64;
  rig.publish();
  Peer stays = rig.connect();
  REQUIRE(eventually([&] { return rig.connections() == Loads{1, 0}; }));
  Peer passed = rig.connect();
  REQUIRE(eventually([&] { return rig.connections() == Loads{1, 1}; }));
  REQUIRE(passed.send("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n" + get("/")));
  Peer side = app.accept();
  CHECK(value_of(side.read_past("\r\n\r\n"), "X-Forwarded-For") == "192.0.2.7");
  CHECK(app.cell(0).leases.read() == 0);
  CHECK(app.cell(1).leases.read() == 1);
  REQUIRE(side.send(ok("ok")));
  CHECK(passed.read_message().ends_with("ok"));
  REQUIRE(passed.send(get("/" + std::string(100, 'x'))));
  CHECK(passed.read_message().starts_with("HTTP/1.1 414 "));
}

TEST_CASE("accept group: a connection in TCP mode is leased by the worker that it is passed to") {
  FakeApp app(base::GenerationId(1), base::Address::tcp_loopback(base::Port(0)), base::Slot(1), 2);
  ProxyRig rig({app.endpoint()}, Crew{.workers = 2, .dealing = Crew::Dealing::to_first});
  rig.tcp = rig.web.id;
  rig.web.protocol = config::Protocol::tcp;
  rig.publish();
  std::vector<Peer> peers;
  for (std::uint32_t worker : {0U, 1U, 0U, 1U}) {
    auto before = app.cell(worker).leases.read();
    Peer client = rig.connect();
    Peer side = app.accept();
    REQUIRE(client.send("hello"));
    CHECK(side.read_exactly(5) == "hello");
    CHECK(app.cell(worker).leases.read() == before + 1);
    REQUIRE(side.send("you"));
    CHECK(client.read_exactly(3) == "you");
    peers.push_back(std::move(client));
    peers.push_back(std::move(side));
  }
}

TEST_CASE("accept group: the limit per client counts at the worker that serves") {
  ProxyRig rig({}, Crew{.workers = 2, .dealing = Crew::Dealing::to_first});
  rig.listener.max_connections_per_client = 4;  // two of them at each worker
  rig.publish();
  std::vector<Peer> clients;
  for (int i = 0; i < 4; ++i) {
    REQUIRE(answers(clients.emplace_back(rig.connect())));
    CHECK(clients.back().quiet());
  }
  CHECK(rig.connections() == Loads{2, 2});
  // One that is idle, at the worker that gets it, makes room.
  Peer fifth = rig.connect();
  CHECK(answers(fifth));
  CHECK(rig.connections() == Loads{2, 2});
}

// A connection as somebody has just accepted it.
struct Offered {
  Peer client;
  base::UniqueFd connection;
};

Offered offered() {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0);
  return {Peer(base::UniqueFd(pair[0])), base::UniqueFd(pair[1])};
}

// The test is a worker beside the real one, and passes what it likes to it.
struct Beside {
  ProxyRig rig{{}, Crew{.workers = 1, .outsiders = 1}};
  std::optional<proxy::AcceptMember> self;
  std::shared_ptr<const config::Listener> config = std::make_shared<config::Listener>();
  Beside() { self.emplace(&rig.accept_group(), base::WorkerIndex(1)); }
  [[nodiscard]] bool pass(base::UniqueFd connection) {
    return self->pass(base::WorkerIndex(0),
                      {{{std::move(connection), {}}, {}}, rig.sockets(), config, rig.epoch()});
  }
};

TEST_CASE("accept group: what arrives at a listener that the worker has lost gets its answer all the same") {
  Beside beside;
  Offered first = offered();
  REQUIRE(beside.pass(std::move(first.connection)));
  REQUIRE(answers(first.client));
  beside.rig.listed = false;
  beside.rig.publish();
  std::vector<Offered> late;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(beside.pass(std::move(late.emplace_back(offered()).connection)));
    REQUIRE(late.back().client.send(get("/")));
    CHECK(late.back().client.read_message().starts_with("HTTP/1.1 404 "));
  }
  // Nothing of it is left for a later table to trip over.
  first.client.close();
  late.clear();
  REQUIRE(eventually([&] { return beside.rig.connections() == Loads{0}; }));
  beside.rig.listed = true;
  beside.rig.publish();
  Peer client = beside.rig.connect();
  CHECK(answers(client));
}

TEST_CASE("accept group: what arrives while the daemon closes is answered, with Connection: close") {
  Beside beside;
  beside.rig.closing = true;
  beside.rig.publish();
  Offered late = offered();
  REQUIRE(beside.pass(std::move(late.connection)));
  REQUIRE(late.client.send(get("/")));
  CHECK(value_of(late.client.read_message(), "Connection") == "close");
  CHECK(late.client.read_to_end().empty());
  CHECK(late.client.end() == End::finished);
}

TEST_CASE("accept group: what is passed to a worker that ends is closed, then or with the group") {
  {
    ProxyRig first;
  }  // libuv opens descriptors of its own, once
  const std::size_t before = open_descriptors();
  {
    Beside beside;
    std::vector<Offered> passed;
    for (int i = 0; i < 8; ++i) REQUIRE(beside.pass(std::move(passed.emplace_back(offered()).connection)));
    CHECK(beside.rig.finish() == 0);
    CHECK_FALSE(beside.self->elsewhere(beside.rig.epoch()));
    for (Offered& each : passed) {
      (void)each.client.read_to_end();
      CHECK(each.client.end() != End::open);
    }
    Offered too_late = offered();
    REQUIRE(beside.pass(std::move(too_late.connection)));
  }
  CHECK(open_descriptors() == before);
}

}  // namespace
}  // namespace gracevisor::test
