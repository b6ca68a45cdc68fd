#include "observe/usage.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "loop/loop.h"
#include "observe/memory.h"
#include "observe/rates.h"
#include "observe/sampler.h"
#include "support/run_until.h"

using namespace gracevisor;
using namespace gracevisor::observe;
using namespace std::chrono_literals;
using inspect::ProcessTable;

namespace {

base::ProcessEntry process(pid_t pid, pid_t parent, pid_t session, char state = 'S') {
  base::ProcessEntry entry;
  entry.pid = pid;
  entry.name = "p";
  entry.state = state;
  entry.parent = parent;
  entry.group = session;
  entry.session = session;
  entry.started = static_cast<std::uint64_t>(pid) * 10;
  return entry;
}

std::vector<pid_t> pids(const ProcessTable::Members& members) {
  std::vector<pid_t> result;
  for (const auto* member : members) result.push_back(member->pid);
  std::ranges::sort(result);
  return result;
}

TreeSeen seen(std::uint64_t ran) {
  return {ran, 1000, 1};
}

}  // namespace

TEST_CASE("usage: a tree is the main process, its session, and the descendants of these, without the dead") {
  const ProcessTable table =
      ProcessTable::of({process(5, 1, 5), process(6, 5, 5), process(7, 6, 7), process(8, 1, 5),
                        process(9, 8, 9), process(10, 5, 5, 'Z'), process(11, 1, 11), process(12, 11, 11)});
  CHECK(pids(tree_of(table, {5, 50})) == std::vector<pid_t>{5, 6, 7, 8, 9});
  CHECK(pids(tree_of(table, {11, 110})) == std::vector<pid_t>{11, 12});
  CHECK(tree_of(table, {5, 51}).empty());  // a later process with its number
  CHECK(tree_of(table, {99, 990}).empty());
}

TEST_CASE("usage: CPU time is that since the look at least 10 s ago") {
  UsageBook book(100);
  const ProcessKey key{5, 50};
  base::TimePoint now{};
  book.note(now, {{key, seen(1000)}});
  CHECK_FALSE(book.usage().at(key).cpu_percent.has_value());
  CHECK(book.usage().at(key).memory == 1000);
  book.note(now += 1s, {{key, seen(1050)}});
  CHECK(book.usage().at(key).cpu_percent == doctest::Approx(50));
  book.note(now += 10s, {{key, seen(3050)}});  // 2000 ticks in 10 s: two CPUs
  CHECK(book.usage().at(key).cpu_percent == doctest::Approx(200));
  book.note(now += 10s, {{key, seen(3050)}});
  CHECK(book.usage().at(key).cpu_percent == doctest::Approx(0));
  book.note(now += 10s, {{key, seen(10)}});  // a busy child was not waited for
  CHECK(book.usage().at(key).cpu_percent == doctest::Approx(0));
  book.note(now += 1s, {});
  CHECK(book.usage().empty());
}

TEST_CASE("memory: the share of pages as smaps_rollup tells it") {
  CHECK(pss_in("aaaa-bbbb ---p 00000000 00:00 0 [rollup]\nRss:  884 kB\nPss:   385 kB\n") == 385U * 1024);
  CHECK_FALSE(pss_in("Rss: 884 kB\n").has_value());
  CHECK_FALSE(pss_in("x\nPss: many kB\n").has_value());
  CHECK(read_pss(::getpid()).value_or(0) > 0);
  CHECK_FALSE(read_pss(-1).has_value());
}

TEST_CASE("memory: a round reads as much as its time allows, the unknown and the oldest first") {
  base::TimePoint now{};
  std::vector<pid_t> asked;
  MemoryBook book([&] { return now; },
                  [&](pid_t pid) -> std::optional<std::uint64_t> {
                    asked.push_back(pid);
                    now += 10ms;
                    return pid == 3 ? std::nullopt : std::optional<std::uint64_t>(pid * 100);
                  });
  std::vector<base::ProcessEntry> entries = {process(1, 0, 1), process(2, 0, 2), process(3, 0, 3)};
  entries[2].resident = 7;
  std::vector<const base::ProcessEntry*> all = {&entries[0], &entries[1], &entries[2]};
  book.look(all, 20ms);
  CHECK(asked == std::vector<pid_t>{1, 2});
  asked.clear();
  book.look(all, 20ms);
  CHECK(asked == std::vector<pid_t>{3, 1});
  CHECK(book.of(entries[0]) == 100);
  CHECK(book.of(entries[2]) == 7U * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  asked.clear();
  book.look({&entries[0]}, 0ms);
  CHECK(asked == std::vector<pid_t>{1});  // at least one
}

TEST_CASE("rates: they are those since about 10 s ago") {
  Rates rates;
  base::TimePoint now{};
  CHECK(rates.since(now, {50, 5}).all == 0);
  rates.note(now, {});
  CHECK(rates.since(now, {5, 0}).all == doctest::Approx(5));  // within the first second
  CHECK(rates.since(now + 5s, {50, 5}).all == doctest::Approx(10));
  CHECK(rates.since(now + 5s, {50, 5}).errors == doctest::Approx(1));
  rates.note(now += 10s, {100, 10});
  rates.note(now += 10s, {100, 10});
  CHECK(rates.since(now, {100, 10}).all == doctest::Approx(0));
  CHECK(rates.since(now + 10s, {300, 10}).all == doctest::Approx(20));
}

TEST_CASE("sampler: it finds this process, rings, and ends with nothing to watch or in the midst of it") {
  auto loop = std::move(*loop::Loop::create());
  int rung = 0;
  auto bell = std::move(*loop::Wakeup::create(*loop, [&] { ++rung; }));
  {
    auto sampler = std::move(*Sampler::start([&] { bell->ring(); }));
    const auto self = base::read_process_entry(::getpid());
    REQUIRE(self.has_value());
    sampler->watch({key_of(*self)});
    std::unique_ptr<Sample> sample;
    REQUIRE(test::run_until(*loop, [&] {
      if (auto newest = sampler->take()) sample = std::move(newest);
      return sample != nullptr && sample->at(key_of(*self)).cpu_percent.has_value();
    }));
    CHECK(sample->at(key_of(*self)).memory > 0);
    CHECK(sample->at(key_of(*self)).processes >= 1);
    CHECK(rung >= 2);
    sampler->watch({});
  }
  auto idle = std::move(*Sampler::start([] {}));
  idle.reset();
  bell.reset();
  CHECK(loop->close() == 0);
}
