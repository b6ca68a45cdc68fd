#include "output/line_queue.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loop/loop.h"
#include "support/run_until.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::run_until;

namespace {

// The queue on one side of a ring; the test is the thread on the other.
struct Fixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  LineRing ring;
  int woken = 0;
  int room = 0;
  std::unique_ptr<LineQueue> queue =
      std::make_unique<LineQueue>(*loop, ring, [this] { ++woken; }, [this] { ++room; });
  FilePolicy a{"/log/a"};
  FilePolicy b{"/log/b"};
  std::vector<Lines> written;

  bool write_one() {
    auto lines = ring.pop();
    if (!lines) return false;
    ring.wrote(lines->text.size());
    written.push_back(std::move(*lines));
    return true;
  }
  void write_all() {
    while (write_one()) {
    }
  }
  void fill() {
    std::string line(1U << 20, 'x');
    line.back() = '\n';
    while (queue->takes(a)) queue->append(a, line, {});
  }
  void end() {
    queue.reset();
    CHECK(loop->close() == 0);
  }
};

std::string text_of(const std::vector<Lines>& written) {
  std::string all;
  for (const Lines& lines : written) all += lines.text;
  return all;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "line queue: lines of one turn reach the thread as one batch for each file") {
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    queue->append(a, line, {});
    queue->append(b, "b\n", {});
    expected += line;
  }
  CHECK_FALSE(write_one());
  REQUIRE(run_until(*loop, [&] { return woken > 0; }));
  write_all();
  REQUIRE(written.size() == 2);
  CHECK(written[0].policy.path == a.path);
  CHECK(written[0].text == expected);
  CHECK(written[1].text.size() == 600);
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: a batch that is large enough goes at once") {
  queue->append(a, std::string(LineQueue::kBatch, 'x'), Source(1));
  CHECK(woken == 1);
  CHECK(write_one());
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: a source goes on in its line and another begins on a new one") {
  queue->append(a, "one, ", Source(1));
  queue->append(a, "two\n", Source(1));
  queue->append(a, "three", Source(1));
  queue->append(a, "other\n", Source(2));
  queue->append(a, "last", Source(1));
  queue->hand_over();
  write_all();
  REQUIRE(written.size() == 1);
  CHECK(written[0].text == "one, two\nthree\nother\nlast");
  CHECK(written[0].first == Source(1));
  CHECK(written[0].last == Source(1));
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: however many pieces come while the ring is full none is lost") {
  std::string expected;
  for (std::size_t i = 0; i < 2 * LineRing::kBatches; ++i) {
    std::string line = std::to_string(i) + "\n";
    queue->append(a, line, {});
    queue->hand_over();
    expected += line;
  }
  CHECK(queue->dropped_lines() == 0);
  REQUIRE(run_until(*loop, [&] {
    write_all();
    return text_of(written).size() == expected.size();
  }));
  CHECK(text_of(written) == expected);
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: what cannot wait is taken in beyond the bound and no further") {
  fill();
  std::string line(1U << 20, 'y');
  line.back() = '\n';
  std::uint64_t taken = 0;
  while (queue->dropped_lines() == 0) {
    queue->append(b, line, {});
    ++taken;
  }
  CHECK((taken - 1) * line.size() <= LineQueue::kMost - Intake::kFull);
  CHECK((taken + 1) * line.size() > LineQueue::kMost - Intake::kFull);
  // It is told behind what was taken and in front of what comes later.
  REQUIRE(run_until(*loop, [&] {
    write_all();
    return !written.empty() && !written.back().before.none();
  }));
  CHECK(written.back().before.lines == 1);
  CHECK(written.back().before.bytes == line.size());
  CHECK(written.back().text.empty());
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: those who wait are told when half of it is written") {
  fill();
  CHECK_FALSE(queue->takes(a));
  CHECK_FALSE(queue->takes(b));
  CHECK(ring.news_wanted());
  queue->look();
  CHECK(room == 0);
  while (!queue->takes(a)) {
    REQUIRE(write_one());
    queue->look();
  }
  CHECK(room == 1);
  CHECK_FALSE(ring.news_wanted());
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: those who wait are told although an append saw the room first") {
  fill();
  write_all();
  queue->append(a, "line\n", {});
  CHECK(queue->takes(a));
  REQUIRE(run_until(*loop, [&] { return room == 1; }));
  end();
}

TEST_CASE_FIXTURE(Fixture,
                  "line queue: a stalled thread costs new lines but not those of a file that blocks") {
  FilePolicy block = b;
  block.block = true;
  fill();
  REQUIRE(run_until(*loop, [&] { return room == 1; }));
  CHECK(queue->takes(a));
  CHECK_FALSE(queue->takes(block));
  queue->append(a, "lost\nlost\n", {});
  queue->append(block, "kept\n", {});
  CHECK(queue->dropped_lines() == 2);
  write_all();
  REQUIRE(run_until(*loop, [&] {
    write_all();
    return queue->takes(block) && !written.back().before.none();
  }));
  CHECK(room == 2);
  CHECK(written.back().before.lines == 2);
  CHECK(text_of(written).ends_with("kept\n"));
  end();
}

TEST_CASE_FIXTURE(Fixture, "line queue: what is left at the end is given back in order") {
  queue->append(a, "one\n", {});
  queue->append(b, std::string(LineQueue::kMost, 'x'), Source(1));
  auto rest = queue->take_rest();
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].text == "one\n");
  CHECK(rest[1].text.empty());
  CHECK(rest[1].before.bytes == LineQueue::kMost);
  end();
}
