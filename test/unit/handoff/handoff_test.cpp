#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "handoff/gauge.h"
#include "handoff/latest.h"
#include "handoff/mark.h"
#include "handoff/ring.h"
#include "handoff/tally.h"

using namespace gracevisor;
using namespace gracevisor::handoff;
using base::Epoch;

namespace {

// Counts how many live, to see that each letter is destroyed once. Alive on one thread at a time.
struct Letter {
  Letter(int n, Tally& destroyed) : number(n), copy(n), gone(&destroyed) {}
  Letter(const Letter&) = delete;
  Letter& operator=(const Letter&) = delete;
  ~Letter() { gone->add(); }
  int number;
  int copy;
  Tally* gone;
};

}  // namespace

TEST_CASE("gauge: what several threads raise and lower at once adds up") {
  constexpr int kSteps = 20000;
  Gauge gauge(5);
  auto work = [&] {
    for (int i = 0; i < kSteps; ++i) {
      gauge.raise(3);
      gauge.lower();
    }
  };
  std::thread other(work);
  work();
  other.join();
  CHECK(gauge.read() == 5 + 2 * 2 * kSteps);
}

TEST_CASE("latest: the newest letter wins and is taken once") {
  Tally destroyed;
  {
    Latest<Letter> box;
    CHECK(box.take() == nullptr);
    box.put(std::make_unique<Letter>(1, destroyed));
    box.put(std::make_unique<Letter>(2, destroyed));
    CHECK(destroyed.read() == 1);
    auto letter = box.take();
    REQUIRE(letter != nullptr);
    CHECK(letter->number == 2);
    CHECK(box.take() == nullptr);
    box.put(std::make_unique<Letter>(3, destroyed));
  }
  CHECK(destroyed.read() == 3);
}

TEST_CASE("latest: a taking thread sees whole letters, only newer ones, and the last") {
  constexpr int kLetters = 20000;
  Latest<std::pair<int, int>> box;
  std::thread sender([&] {
    for (int i = 1; i <= kLetters; ++i) box.put(std::make_unique<std::pair<int, int>>(i, -i));
  });
  int last = 0;
  bool sound = true;
  while (last < kLetters) {
    auto letter = box.take();
    if (letter == nullptr) {
      std::this_thread::yield();
      continue;
    }
    sound = sound && letter->second == -letter->first && letter->first > last;
    last = letter->first;
  }
  sender.join();
  CHECK(sound);
  CHECK(box.take() == nullptr);
}

TEST_CASE("tally: one thread counts, another sees everything that was done before the count") {
  constexpr std::uint64_t kCounts = 20000;
  Tally tally;
  std::vector<std::uint64_t> done(kCounts, 0);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kCounts; ++i) {
      done[i] = i + 1;
      tally.add();
    }
  });
  bool sound = true;
  for (std::uint64_t seen = 0; seen < kCounts;) {
    std::uint64_t now = tally.read();
    sound = sound && now >= seen && (now == 0 || done[now - 1] == now);
    seen = now;
    std::this_thread::yield();
  }
  writer.join();
  CHECK(sound);
  tally.add(5);
  tally.subtract(kCounts);
  CHECK(tally.read() == 5);
  tally.set(42);
  CHECK(tally.read() == 42);
}

TEST_CASE("mark: it starts at none and announces the work before it") {
  Mark mark;
  CHECK(mark.read() == Epoch(0));
  constexpr std::uint64_t kEpochs = 20000;
  std::vector<std::uint64_t> work(kEpochs + 1, 0);
  std::thread worker([&] {
    for (std::uint64_t e = 1; e <= kEpochs; ++e) {
      work[e] = e;
      mark.reach(Epoch(e));
    }
  });
  bool sound = true;
  for (std::uint64_t seen = 0; seen < kEpochs;) {
    std::uint64_t now = mark.read().value();
    sound = sound && now >= seen && work[now] == now;
    seen = now;
    std::this_thread::yield();
  }
  worker.join();
  CHECK(sound);
}

TEST_CASE("ring: it holds exactly its capacity, refuses more, and leaves what it refused") {
  Ring<std::string> ring(3);
  CHECK_FALSE(ring.pop().has_value());
  for (const char* text : {"one", "two", "three"}) CHECK(ring.push(text));
  std::string fourth = "four, which is long enough to live on the heap";
  CHECK_FALSE(ring.push(std::move(fourth)));
  CHECK(fourth == "four, which is long enough to live on the heap");  // NOLINT(bugprone-use-after-move)
  CHECK(*ring.pop() == "one");
  CHECK(ring.push(std::move(fourth)));
  CHECK(*ring.pop() == "two");
  CHECK(*ring.pop() == "three");
  CHECK(ring.pop()->starts_with("four"));
  CHECK_FALSE(ring.pop().has_value());
}

TEST_CASE("ring: a capacity of one works, round after round") {
  Ring<int> ring(1);
  for (int i = 0; i < 10; ++i) {
    CHECK(ring.push(int(i)));
    CHECK_FALSE(ring.push(99));
    CHECK(*ring.pop() == i);
  }
}

TEST_CASE("ring: a popped slot keeps nothing alive") {
  Ring<std::shared_ptr<int>> ring(2);
  auto item = std::make_shared<int>(1);
  CHECK(ring.push(std::shared_ptr<int>(item)));
  CHECK(item.use_count() == 2);
  ring.pop().reset();
  CHECK(item.use_count() == 1);
}

TEST_CASE("ring: between two threads every item arrives once, in order and whole") {
  // Few rounds of the ring: on a busy machine each costs a time slice of both threads.
  constexpr int kItems = 6000;
  Ring<std::string> ring(61);
  std::thread writer([&] {
    for (int i = 0; i < kItems; ++i) {
      std::string item = "item number " + std::to_string(i) + " of the two-thread test";
      // A refused item is untouched: the contract that this leans on.
      while (!ring.push(std::move(item))) std::this_thread::yield();  // NOLINT(bugprone-use-after-move)
    }
  });
  bool sound = true;
  for (int i = 0; i < kItems;) {
    auto item = ring.pop();
    if (!item) {
      std::this_thread::yield();
      continue;
    }
    sound = sound && *item == "item number " + std::to_string(i) + " of the two-thread test";
    ++i;
  }
  writer.join();
  CHECK(sound);
  CHECK_FALSE(ring.pop().has_value());
}
