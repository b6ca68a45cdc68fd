// Access logs: the batches of several workers in the writer's files.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <thread>

#include "loop/loop.h"
#include "output/writer.h"
#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using routing::AccessBatch;
using routing::AccessSink;
using test::content_of;
using test::run_until;

namespace {

struct Fixture {
  test::TempFolder folder;
  routing::AccessLane first;
  routing::AccessLane second;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<Writer> writer =
      std::move(*Writer::start(*loop, {.lanes = {&first, &second}, .reserve = {}, .opener = {}}));

  [[nodiscard]] AccessSink sink(const std::string& name,
                                config::AccessFormat format = config::AccessFormat::json) const {
    return {(folder / name).string(), format, 1 << 20, 2};
  }
  void end() {
    writer.reset();
    CHECK(loop->close() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "lanes: the batches of two workers reach their files and come back empty") {
  REQUIRE(first.filled.push({sink("a"), "one\n", 0, 0}));
  REQUIRE(second.filled.push({sink("b"), "two\n", 0, 0}));
  REQUIRE(second.filled.push({sink("a"), "three\n", 0, 0}));
  writer->wake();
  REQUIRE(run_until(*loop, [&] { return first.taken.read() == 4 && second.taken.read() == 10; }));
  CHECK(content_of(folder / "a") == "one\nthree\n");
  CHECK(content_of(folder / "b") == "two\n");
  auto spent = first.spent.pop();
  REQUIRE(spent.has_value());
  CHECK(spent->text.empty());
  end();
}

TEST_CASE_FIXTURE(Fixture, "lanes: what was dropped in front of a batch is told in the form of the file") {
  REQUIRE(first.filled.push({sink("json"), "{}\n", 3, 45}));
  REQUIRE(first.filled.push({sink("text", config::AccessFormat::combined), "line\n", 4, 56}));
  REQUIRE(second.filled.push({sink("json"), "", 1, 2}));
  writer->wake();
  first.dropped.add(7);
  second.dropped.add(1);
  CHECK(writer->dropped_lines() == 8);
  end();
  CHECK(content_of(folder / "json") ==
        "{\"dropped_lines\":3,\"dropped_bytes\":45}\n{}\n{\"dropped_lines\":1,\"dropped_bytes\":2}\n");
  CHECK(content_of(folder / "text") == "[gracevisor: 4 lines, 56 bytes dropped]\nline\n");
}

TEST_CASE_FIXTURE(Fixture, "lanes: more than one turn's share, left in them at the end, is still written") {
  std::string expected;
  for (std::size_t i = 0; i < routing::AccessLane::kBatches; ++i) {
    std::string line = std::to_string(i) + "\n";
    expected += line;
    REQUIRE(first.filled.push({sink("a"), line, 0, 0}));
  }
  end();  // without a ring
  CHECK(content_of(folder / "a") == expected);
}

TEST_CASE_FIXTURE(Fixture,
                  "lanes: a lane that never pauses keeps nothing from the state files and the tick") {
  handoff::Tally stop;
  std::thread worker([&] {
    while (stop.read() == 0) {
      if (!first.filled.push({sink("flood"), "line\n", 0, 0})) std::this_thread::yield();
      writer->wake();
    }
  });
  int replaced = 0;
  for (int i = 0; i < 100; ++i) {
    writer->replace(folder / "state", std::to_string(i), [&](base::Expected<void> result) {
      CHECK(result.has_value());
      ++replaced;
    });
  }
  CHECK(run_until(*loop, [&] { return replaced == 100; }));
  // The tick opens a file anew that could not be opened before.
  test::put_content(folder / "gone", "not a folder");
  REQUIRE(second.filled.push({sink("gone/b"), "lost\n", 0, 0}));
  writer->wake();
  REQUIRE(run_until(*loop, [&] { return second.taken.read() == 5; }));
  std::filesystem::remove(folder / "gone");
  CHECK(run_until(*loop, [&] { return !content_of(folder / "gone/b").empty(); }));
  stop.set(1);
  worker.join();
  end();
  CHECK(content_of(folder / "gone/b") == "{\"dropped_lines\":1,\"dropped_bytes\":5}\n");
}

TEST_CASE_FIXTURE(Fixture, "lanes: files rotate between lines, and reopen as the others do") {
  AccessSink small = sink("small");
  small.max_size = 8;
  small.keep = 1;
  REQUIRE(first.filled.push({small, "line 1\nline 2\nline 3\n", 0, 0}));
  writer->wake();
  REQUIRE(run_until(*loop, [&] { return first.taken.read() == 21; }));
  CHECK(content_of(folder / "small") == "line 3\n");
  CHECK(content_of(folder / "small.1") == "line 2\n");
  std::filesystem::rename(folder / "small", folder / "moved");
  writer->reopen();
  CHECK(run_until(*loop, [&] { return std::filesystem::exists(folder / "small"); }));
  end();
}

TEST_CASE("lanes: a path is a sink, inherit is standard error, and none is none") {
  CHECK(routing::access_sink("", {}) == nullptr);
  CHECK(routing::access_sink("inherit", {})->path.empty());
  auto sink = routing::access_sink("/x", {{}, config::AccessFormat::combined, 7, 8});
  CHECK(*sink == AccessSink{"/x", config::AccessFormat::combined, 7, 8});
}
