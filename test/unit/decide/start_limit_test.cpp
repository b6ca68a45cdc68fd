#include "decide/start_limit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace gracevisor::decide {
namespace {

routing::Identity slot(unsigned app, unsigned number, unsigned incarnation = 0) {
  return {base::AppId(app), base::GenerationId(1), base::Slot(number), base::Incarnation(incarnation)};
}

std::string name(const routing::Identity& who) {
  return std::to_string(who.app.value()) + "." + std::to_string(who.slot.value());
}

// All that may start now, in their order.
std::vector<std::string> granted(StartLimit& limit) {
  std::vector<std::string> names;
  while (const auto who = limit.next()) names.push_back(name(*who));
  return names;
}

using Names = std::vector<std::string>;

// As soon as one that started is over, the next one begins; the order of all.
Names drained(StartLimit& limit, std::vector<routing::Identity> starting) {
  Names names;
  for (std::size_t i = 0; i < starting.size(); ++i) {
    limit.end(starting[i]);
    while (const auto who = limit.next()) {
      names.push_back(name(*who));
      starting.push_back(*who);
    }
  }
  return names;
}

}  // namespace

TEST_CASE("start limit: so many are starting at a time, and each that is over makes room for one") {
  StartLimit limit(2);
  CHECK(limit.ask(slot(1, 1), Urgency::soon));
  CHECK(limit.ask(slot(2, 1), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(3, 1), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(4, 1), Urgency::soon));
  CHECK(limit.starting() == 2);
  CHECK(limit.waiting() == 2);
  CHECK(granted(limit).empty());
  limit.end(slot(2, 1));
  CHECK(granted(limit) == Names{"3.1"});
  limit.end(slot(3, 1));
  limit.end(slot(1, 1));
  CHECK(granted(limit) == Names{"4.1"});
  CHECK(limit.starting() == 1);
  CHECK(limit.waiting() == 0);
}

TEST_CASE("start limit: a slot counts once, whatever its incarnation, and is named as it asked") {
  StartLimit limit(1);
  CHECK(limit.ask(slot(1, 1, 3), Urgency::soon));
  CHECK(limit.ask(slot(1, 1, 4), Urgency::soon));
  limit.count(slot(1, 1, 4));
  CHECK(limit.starting() == 1);
  CHECK_FALSE(limit.ask(slot(1, 2, 7), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(1, 2, 7), Urgency::soon));
  CHECK(limit.waiting() == 1);
  limit.end(slot(1, 1, 5));
  const auto next = limit.next();
  REQUIRE(next.has_value());
  CHECK(*next == slot(1, 2, 7));
  limit.end(slot(1, 2, 8));
  CHECK(limit.starting() == 0);
}

TEST_CASE("start limit: what no longer wants to start is passed over, and what never asked may end") {
  StartLimit limit(1);
  limit.end(slot(9, 9));
  CHECK(limit.ask(slot(1, 1), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(2, 1), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(3, 1), Urgency::soon));
  limit.end(slot(2, 1));
  limit.end(slot(1, 1));
  CHECK(granted(limit) == Names{"3.1"});
}

TEST_CASE("start limit: boot goes in the order of the files, one app after the other") {
  StartLimit limit(1);
  CHECK(limit.ask(slot(1, 1), Urgency::boot));
  for (unsigned app = 1; app <= 3; ++app) {
    for (unsigned number = 1; number <= 2; ++number) {
      if (app + number > 2) CHECK_FALSE(limit.ask(slot(app, number), Urgency::boot));
    }
  }
  CHECK(drained(limit, {slot(1, 1)}) == Names{"1.2", "2.1", "2.2", "3.1", "3.2"});
}

TEST_CASE("start limit: of what is urgent, a large app is not in the way of a small one") {
  StartLimit limit(1);
  CHECK(limit.ask(slot(1, 1), Urgency::soon));
  for (unsigned number = 2; number <= 5; ++number) CHECK_FALSE(limit.ask(slot(1, number), Urgency::soon));
  CHECK_FALSE(limit.ask(slot(2, 1), Urgency::soon));
  CHECK(drained(limit, {slot(1, 1)}) == Names{"1.2", "2.1", "1.3", "1.4", "1.5"});
}

TEST_CASE("start limit: a deploy begins at once beside a boot of 500 apps that hang") {
  for (const std::size_t most : {2U, 3U, 4U, 8U, 64U}) {
    CAPTURE(most);
    StartLimit limit(most);
    for (unsigned app = 1; app <= 500; ++app) (void)limit.ask(slot(app, 1), Urgency::boot);
    CHECK(granted(limit).empty());
    const std::size_t free = std::max<std::size_t>(most / 4, 1);
    CHECK(limit.starting() == most - free);
    CHECK(limit.ask(slot(501, 1), Urgency::soon));
    CHECK(limit.starting() <= most);
  }
}

TEST_CASE("start limit: crash loops leave room for a boot, and both for a deploy") {
  for (const std::size_t most : {4U, 8U, 64U}) {
    CAPTURE(most);
    StartLimit limit(most);
    const std::size_t quarter = most / 4;
    for (unsigned app = 1; app <= 500; ++app) (void)limit.ask(slot(app, 1), Urgency::again);
    CHECK(limit.starting() == quarter);
    for (unsigned app = 501; app <= 1000; ++app) (void)limit.ask(slot(app, 1), Urgency::boot);
    CHECK(limit.starting() == most - quarter);
    for (unsigned number = 1; number <= 1000; ++number) {
      if (!limit.ask(slot(1001, number), Urgency::soon)) break;
    }
    CHECK(limit.starting() == most);
    CHECK(granted(limit).empty());
  }
}

TEST_CASE("start limit: with one place the lines take turns by their weights, and none waits for ever") {
  StartLimit limit(1);
  CHECK(limit.ask(slot(1, 1), Urgency::soon));
  for (unsigned number = 1; number <= 20; ++number) {
    CHECK_FALSE(limit.ask(slot(2, number), Urgency::soon));
    CHECK_FALSE(limit.ask(slot(3, number), Urgency::boot));
    CHECK_FALSE(limit.ask(slot(4, number), Urgency::again));
  }
  std::map<char, int> first;
  const Names order = drained(limit, {slot(1, 1)});
  REQUIRE(order.size() == 60);
  for (std::size_t i = 0; i < 7; ++i) ++first[order[i].front()];
  CHECK(first['2'] == 4);
  CHECK(first['3'] == 2);
  CHECK(first['4'] == 1);
}

TEST_CASE("start limit: another limit counts from the next question on") {
  StartLimit limit(4);
  for (unsigned app = 1; app <= 6; ++app) (void)limit.ask(slot(app, 1), Urgency::soon);
  CHECK(limit.starting() == 4);
  limit.set_most(1);
  limit.end(slot(1, 1));
  limit.end(slot(2, 1));
  limit.end(slot(3, 1));
  CHECK(granted(limit).empty());
  limit.end(slot(4, 1));
  CHECK(granted(limit) == Names{"5.1"});
  limit.set_most(0);
  CHECK(limit.most() == 1);
  limit.set_most(100);
  CHECK(granted(limit) == Names{"6.1"});
}

TEST_CASE("start limit: what a former daemon started counts, even beyond the limit") {
  StartLimit limit(2);
  for (unsigned number = 1; number <= 3; ++number) limit.count(slot(1, number));
  CHECK(limit.starting() == 3);
  CHECK_FALSE(limit.ask(slot(2, 1), Urgency::soon));
  limit.end(slot(1, 1));
  CHECK(granted(limit).empty());
  limit.end(slot(1, 2));
  CHECK(granted(limit) == Names{"2.1"});
}

TEST_CASE("start limit: one that waits may become more urgent, and keeps its place if it does not") {
  StartLimit limit(2);
  CHECK(limit.ask(slot(1, 1), Urgency::boot));
  CHECK_FALSE(limit.ask(slot(2, 1), Urgency::boot));
  CHECK_FALSE(limit.ask(slot(3, 1), Urgency::boot));
  CHECK_FALSE(limit.ask(slot(2, 1), Urgency::boot));
  CHECK(limit.ask(slot(3, 1), Urgency::soon));
  CHECK(limit.waiting() == 1);
  limit.end(slot(1, 1));
  CHECK(granted(limit) == Names{"2.1"});
}

TEST_CASE("start limit: what is asked for while the keeper is behind waits even if there are places") {
  StartLimit limit(8);
  limit.wait(slot(1, 1), Urgency::boot);
  limit.wait(slot(1, 2), Urgency::boot);
  CHECK(limit.starting() == 0);
  // It does not overtake what already waits for a place that is free.
  CHECK_FALSE(limit.ask(slot(1, 3), Urgency::boot));
  CHECK(granted(limit) == Names{"1.1", "1.2", "1.3"});
}

}  // namespace gracevisor::decide
