// Connections on their way between workers while the ground is pulled away: the listener leaves the tables
// and comes back, the daemon closes, the workers end. Every client whose connection the kernel has taken gets
// its answer, or, where the workers end, the end of its connection; and no descriptor is lost.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/descriptors.h"
#include "support/proxy_rig.h"
#include "support/temp_folder.h"

namespace gracevisor::test {
namespace {

using Crew = ProxyRig::Crew;

constexpr int kRounds = 25;
constexpr unsigned kMostClients = 40;
// Answered by the worker itself, whatever is routed.
const std::string kPing = "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";

// How many of the clients are at another worker than the first.
std::uint64_t elsewhere(const ProxyRig& rig) {
  auto loads = rig.connections();
  return std::accumulate(loads.begin() + 1, loads.end(), std::uint64_t{0});
}

// Runs `round(rig, random)` often, on rigs of every kind; each must leave as many descriptors as it found.
// Where the kernel gives every connection to the first worker, others must have got some from it: a run in
// which nothing was passed on proves nothing.
template <class Round>
void run_rounds(const Round& round) {
  TempFolder folder;
  auto path = base::Address::unix_path((folder / "public").string());
  REQUIRE(path);
  {
    ProxyRig first;
  }  // libuv opens descriptors of its own, once
  std::minstd_rand random(11);
  std::uint64_t passed = 0;
  for (int i = 0; i < kRounds; ++i) {
    for (const Crew& crew : {Crew{.workers = 2, .dealing = Crew::Dealing::to_first},
                             Crew{.workers = 3, .dealing = Crew::Dealing::to_first}, Crew{.workers = 3},
                             Crew{.workers = 3, .address = *path}}) {
      std::size_t before = open_descriptors();
      std::uint64_t others = round(crew, random);
      if (crew.dealing == Crew::Dealing::to_first) passed += others;
      REQUIRE(open_descriptors() == before);
    }
  }
  CHECK(passed > kRounds);
}

// Half of the times so many that some have been passed on, where the first worker gets them all: a busy
// machine may take its time over that, and until the others have its table they get none.
void connect_some(const Crew& crew, const ProxyRig& rig, std::vector<Peer>& clients,
                  std::minstd_rand& random) {
  for (auto n = 1 + random() % kMostClients; n > 0; --n) clients.push_back(rig.connect());
  const bool more = random() % 2 == 0 && !rig.leaving;
  if (!more || crew.dealing != Crew::Dealing::to_first) return;
  REQUIRE(eventually([&] {
    if (elsewhere(rig) > 0) return true;
    clients.push_back(rig.connect());
    return false;
  }));
}

void check_answers(std::vector<Peer>& clients) {
  for (Peer& client : clients) {
    REQUIRE(client.send(kPing));
    REQUIRE(client.read_message().starts_with("HTTP/1.1 "));
  }
}

TEST_CASE("accept stress: whoever was taken before the listener left is answered") {
  run_rounds([](const Crew& crew, std::minstd_rand& random) {
    ProxyRig rig({}, crew);
    std::vector<Peer> clients;
    connect_some(crew, rig, clients, random);
    rig.leaving = true;
    (void)rig.put();
    check_answers(clients);
    return elsewhere(rig);
  });
}

TEST_CASE("accept stress: a listener that comes and goes loses nobody") {
  run_rounds([](const Crew& crew, std::minstd_rand& random) {
    ProxyRig rig({}, crew);
    std::vector<Peer> clients;
    for (int flips = 0; flips < 4; ++flips) {
      connect_some(crew, rig, clients, random);
      rig.leaving = !rig.leaving;
      (void)rig.put();
    }
    check_answers(clients);
    std::uint64_t others = elsewhere(rig);
    if (random() % 2 == 0) rig.publish();  // connections end under another table than they began
    clients.clear();
    REQUIRE(eventually([&] {
      auto loads = rig.connections();
      return std::accumulate(loads.begin(), loads.end(), std::uint64_t{0}) == 0;
    }));
    return others;
  });
}

TEST_CASE("accept stress: whoever was taken before the daemon closes is answered") {
  run_rounds([](const Crew& crew, std::minstd_rand& random) {
    ProxyRig rig({}, crew);
    std::vector<Peer> clients;
    connect_some(crew, rig, clients, random);
    rig.closing = true;
    (void)rig.put();
    std::uint64_t others = 0;
    for (Peer& client : clients) {
      REQUIRE(client.send(kPing));
      std::string answer = client.read_message();
      REQUIRE(answer.starts_with("HTTP/1.1 "));
      others = std::max(others, elsewhere(rig));
    }
    return others;
  });
}

TEST_CASE("accept stress: workers that end close what is on its way") {
  run_rounds([](const Crew& crew, std::minstd_rand& random) {
    std::vector<Peer> clients;
    std::uint64_t others = 0;
    {
      ProxyRig rig({}, crew);
      connect_some(crew, rig, clients, random);
      if (random() % 3 != 0) {
        // The workers have begun to accept; else they may not even have noticed.
        REQUIRE(clients.front().send(kPing));
        REQUIRE(clients.front().read_message().starts_with("HTTP/1.1 "));
      }
      others = elsewhere(rig);
      REQUIRE(rig.finish() == 0);
    }
    for (Peer& client : clients) {
      (void)client.read_to_end();
      REQUIRE(client.end() != End::open);
    }
    return others;
  });
}

}  // namespace
}  // namespace gracevisor::test
