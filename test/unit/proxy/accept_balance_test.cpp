// When a connection is passed to another worker: the rule, and the rings without the workers.
#include "proxy/accept_balance.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include "proxy/accept_group.h"
#include "support/descriptors.h"

namespace gracevisor::test {
namespace {

using proxy::AcceptGroup;
using proxy::AcceptMember;
using Loads = std::vector<std::uint64_t>;

TEST_CASE("accept balance: a connection is passed on when its worker has over five quarters of the least") {
  struct Row {
    std::uint64_t own, least;
    bool passed;
  };
  for (const Row& row :
       std::initializer_list<Row>{{0, 0, false},       {1, 0, true},
                                  {1, 1, false},       {2, 1, true},
                                  {2, 2, false},       {3, 2, true},
                                  {3, 3, false},       {4, 3, true},
                                  {5, 4, false},       {6, 4, true},
                                  {6, 5, false},       {7, 5, true},
                                  {10, 8, false},      {11, 8, true},
                                  {40, 32, false},     {41, 32, true},
                                  {1250, 1000, false}, {1251, 1000, true},
                                  {0, 5, false},       {4, 5, false},
                                  {8, 80, false},      {1000000, std::uint64_t{1} << 62, false}}) {
    CAPTURE(row.own);
    CAPTURE(row.least);
    CHECK(proxy::passes_on(row.own, row.least) == row.passed);
  }
}

TEST_CASE("accept balance: passing never gives the receiver more than the passing worker has") {
  for (std::uint64_t own = 0; own < 300; ++own) {
    for (std::uint64_t least = 0; least < 300; ++least) {
      if (proxy::passes_on(own, least)) REQUIRE(least + 1 <= own);
    }
  }
}

// Places `arrivals` as workers would, each accepted by who `accepting` says.
template <class Accepting>
Loads dealt(std::size_t workers, int arrivals, const Accepting& accepting) {
  Loads loads(workers, 0);
  for (int i = 0; i < arrivals; ++i) {
    std::size_t by = accepting(i);
    std::size_t least = by;
    for (std::size_t w = 0; w < workers; ++w) {
      if (w != by && (least == by || loads[w] < loads[least])) least = w;
    }
    ++loads[least != by && proxy::passes_on(loads[by], loads[least]) ? least : by];
  }
  return loads;
}

TEST_CASE("accept balance: however the kernel deals them out, nobody ends beyond five quarters and one") {
  std::minstd_rand random(5);
  for (std::size_t workers : {2U, 3U, 4U, 8U}) {
    for (int arrivals : {1, 4, 8, 16, 64, 1000}) {
      CAPTURE(workers);
      CAPTURE(arrivals);
      for (const Loads& loads :
           {dealt(workers, arrivals, [](int) { return std::size_t{0}; }),
            dealt(workers, arrivals, [&](int) { return random() % workers; }),
            dealt(workers, arrivals, [&](int) { return std::min(random() % 8, workers - 1); })}) {
        auto [least, most] = std::minmax_element(loads.begin(), loads.end());
        CHECK(*most <= *least + *least / 4 + 1);
      }
    }
  }
  CHECK(dealt(2, 4, [](int) { return std::size_t{0}; }) == Loads{2, 2});
  CHECK(dealt(2, 16, [](int) { return std::size_t{0}; }) == Loads{9, 7});
  CHECK(dealt(2, 64, [](int) { return std::size_t{0}; }) == Loads{36, 28});
}

// Some workers that are played by the test.
struct Group {
  std::vector<std::unique_ptr<routing::WorkerPort>> ports;
  std::unique_ptr<AcceptGroup> group;
  std::vector<std::unique_ptr<AcceptMember>> members;

  explicit Group(std::size_t workers) {
    std::vector<const routing::WorkerPort*> refs;
    while (ports.size() < workers) {
      refs.push_back(ports.emplace_back(std::make_unique<routing::WorkerPort>()).get());
      ports.back()->adopted.reach(base::Epoch(1));
    }
    auto created = AcceptGroup::create(refs);
    REQUIRE(created);
    group = std::move(*created);
    for (std::size_t i = 0; i < workers; ++i)
      members.push_back(std::make_unique<AcceptMember>(group.get(), at(i)));
  }
  static base::WorkerIndex at(std::size_t i) { return base::WorkerIndex(static_cast<std::uint32_t>(i)); }
  AcceptMember& operator[](std::size_t i) { return *members[i]; }
};

// One end of a pair whose other end is dropped.
AcceptGroup::Passed some_connection() {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  base::UniqueFd other(pair[1]);
  return {{{base::UniqueFd(pair[0]), {}}, {}}, nullptr, nullptr, {}};
}

TEST_CASE("accept group: the least loaded worker is chosen, and who passes has counted for it") {
  Group group(3);
  CHECK_FALSE(group[0].elsewhere(base::Epoch(1)));
  group[0].count();
  group[1].count();
  CHECK(group[0].elsewhere(base::Epoch(1)) == Group::at(2));
  REQUIRE(group[0].pass(Group::at(2), some_connection()));
  CHECK(group.group->connections(Group::at(2)) == 1);
  CHECK_FALSE(group[0].elsewhere(base::Epoch(1)));
  std::size_t taken = 0;
  group[2].take_all(
      [&](const AcceptGroup::Passed& item) { taken += item.arrival.connection.socket ? 1U : 0U; });
  CHECK(taken == 1);
  CHECK(group.group->connections(Group::at(2)) == 1);  // until it is closed
  group[2].uncount();
  CHECK(group.group->connections(Group::at(2)) == 0);
}

TEST_CASE("accept group: nothing goes to a worker that serves by another table, or is not there") {
  Group group(2);
  group[0].count();
  CHECK(group[0].elsewhere(base::Epoch(1)));
  CHECK_FALSE(group[0].elsewhere(base::Epoch(2)));
  group.ports[1]->adopted.reach(base::Epoch(2));
  CHECK_FALSE(group[0].elsewhere(base::Epoch(1)));
  CHECK(group[0].elsewhere(base::Epoch(2)));
  group.members[1].reset();
  CHECK_FALSE(group[0].elsewhere(base::Epoch(2)));
}

TEST_CASE("accept group: with more workers than are looked at, each gets its turn") {
  constexpr std::size_t kWorkers = 40;
  Group group(kWorkers);
  for (std::size_t i = 0; i < kWorkers; ++i) {
    if (i != 30) group[i].count();
  }
  bool found = false;
  for (std::size_t i = 0; i < kWorkers; ++i)
    found = found || group[0].elsewhere(base::Epoch(1)) == Group::at(30);
  CHECK(found);
}

TEST_CASE("accept group: a full ring refuses, and the connection stays who offered it") {
  const std::size_t before = open_descriptors();
  {
    Group group(2);
    std::size_t passed = 0;
    AcceptGroup::Passed item = some_connection();
    while (group[0].pass(Group::at(1), std::move(item))) {
      item = some_connection();
      ++passed;
    }
    CHECK(passed == 16);
    CHECK(static_cast<bool>(item.arrival.connection.socket));
    CHECK(group.group->connections(Group::at(1)) == passed);
    std::size_t taken = 0;
    group[1].take_all([&](const AcceptGroup::Passed& /*closed*/) { ++taken; });
    CHECK(taken == passed);
    // What is on the way when a worker ends is closed, and what reaches nobody when the group ends.
    CHECK(group[0].pass(Group::at(1), std::move(item)));
    group.members[1].reset();
    CHECK(group[0].pass(Group::at(1), some_connection()));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("accept group: a worker alone keeps everything") {
  Group group(1);
  for (int i = 0; i < 100; ++i) group[0].count();
  CHECK_FALSE(group[0].elsewhere(base::Epoch(1)));
  AcceptMember groupless(nullptr, base::WorkerIndex(0));
  groupless.count();
  CHECK_FALSE(groupless.elsewhere(base::Epoch(1)));
}

}  // namespace
}  // namespace gracevisor::test
