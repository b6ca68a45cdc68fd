#include "output/writer.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "loop/loop.h"
#include "output/line_queue.h"
#include "output/sink_message.h"
#include "support/log_socket.h"
#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::content_of;
using test::run_until;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<Writer> writer = std::move(*Writer::start(*loop));

  // No handle may be left on the supervisor's loop.
  void end() {
    writer.reset();
    CHECK(loop->close() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "writer: lines of several files arrive in order before its end") {
  FilePolicy a{folder / "a.log", 1 << 20, 2};
  FilePolicy b{folder / "b.log", 1 << 20, 2};
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    std::string line = "line " + std::to_string(i) + "\n";
    writer->append(a, line);
    writer->append(b, "b" + line);
    expected += line;
  }
  CHECK(writer->dropped_lines() == 0);
  end();
  CHECK(content_of(a.path) == expected);
  CHECK(content_of(b.path).starts_with("bline 0\nbline 1\n"));
}

TEST_CASE_FIXTURE(Fixture, "writer: a replaced file is acknowledged on the supervisor's loop, mode 0600") {
  auto path = folder / "apps/web.json";
  int acknowledged = 0;
  writer->replace(path, "content", [&](base::Expected<void> result) {
    CHECK(result.has_value());
    CHECK(content_of(path) == "content");
    ++acknowledged;
  });
  CHECK(acknowledged == 0);
  REQUIRE(run_until(*loop, [&] { return acknowledged == 1; }));
  struct stat st{};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: a file that cannot be replaced is an error with its cause") {
  test::put_content(folder / "file", "not a folder");
  base::Error error;
  bool told = false;
  writer->replace(folder / "file" / "web.json", "content", [&](base::Expected<void> result) {
    told = true;
    if (!result) error = result.error();
  });
  REQUIRE(run_until(*loop, [&] { return told; }));
  CHECK(error.code == ENOTDIR);
  CHECK(error.what.find("Not a directory") != std::string::npos);
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: of many contents for one path the newest wins and everyone is told") {
  auto path = folder / "web.json";
  std::vector<int> told;
  for (int i = 0; i < 1000; ++i) {
    writer->replace(path, std::to_string(i), [&, i](base::Expected<void> result) {
      CHECK(result.has_value());
      told.push_back(i);
    });
  }
  REQUIRE(run_until(*loop, [&] { return told.size() == 1000; }));
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(content_of(path) == "999");
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: more paths than the ring holds are all replaced") {
  constexpr int kPaths = 600;
  int told = 0;
  for (int i = 0; i < kPaths; ++i) {
    writer->replace(folder / std::to_string(i), "c" + std::to_string(i), [&](base::Expected<void> result) {
      CHECK(result.has_value());
      ++told;
    });
  }
  REQUIRE(run_until(*loop, [&] { return told == kPaths; }));
  for (int i = 0; i < kPaths; ++i) CHECK(content_of(folder / std::to_string(i)) == "c" + std::to_string(i));
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: what waits for room at its end is still written") {
  constexpr int kPaths = 600;
  for (int i = 0; i < kPaths; ++i) {
    writer->replace(folder / std::to_string(i), "old", nullptr);
    writer->replace(folder / std::to_string(i), "new",
                    [](base::Expected<void> /*result*/) { FAIL("no acknowledgement after the end"); });
  }
  end();
  for (int i = 0; i < kPaths; ++i) CHECK(content_of(folder / std::to_string(i)) == "new");
}

TEST_CASE_FIXTURE(Fixture, "writer: a callback may order the next replacement") {
  auto path = folder / "web.json";
  int step = 0;
  std::function<void(base::Expected<void>)> next = [&](base::Expected<void> result) {
    REQUIRE(result.has_value());
    CHECK(content_of(path) == std::to_string(step));
    if (++step < 5) writer->replace(path, std::to_string(step), next);
  };
  writer->replace(path, "0", next);
  REQUIRE(run_until(*loop, [&] { return step == 5; }));
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: a flood of those who wait for room loses nothing") {
  FilePolicy policy{folder / "flood.log", 0, 1};
  std::string batch;
  while (batch.size() < (1U << 20)) batch += "0123456789abcdef0123456789abcdef\n";
  int room = 0;
  writer->on_room([&] { ++room; });
  bool waited = false;
  for (int i = 0; i < 64; ++i) {
    waited = waited || !writer->takes(policy);
    REQUIRE(run_until(*loop, [&] { return writer->takes(policy); }));
    writer->append(policy, batch);
  }
  CHECK(writer->dropped_lines() == 0);
  if (waited) CHECK(room > 0);
  end();
  CHECK(std::filesystem::file_size(policy.path) == 64 * batch.size());
}

TEST_CASE_FIXTURE(Fixture, "writer: a flood beyond its last bound drops and counts and says so in the file") {
  FilePolicy policy{folder / "flood.log", 0, 1};
  std::string batch;
  while (batch.size() < (1U << 20)) batch += "0123456789abcdef0123456789abcdef\n";
  auto lines_of = [](const std::string& text) {
    return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  };
  // Beyond the bound by itself: dropped in any case.
  std::string huge;
  for (std::uint64_t i = 0; i <= LineQueue::kMost >> 20; ++i) huge += batch;
  writer->append(policy, batch);
  writer->append(policy, huge);
  CHECK(writer->dropped_lines() == lines_of(huge));
  std::uint64_t sent = 1;
  while (sent < 128) {
    writer->append(policy, batch);
    ++sent;
  }
  std::uint64_t dropped = writer->dropped_lines();
  end();
  std::string content = content_of(policy.path);
  std::uint64_t told = 0;
  std::uint64_t markers = 0;
  std::string_view mark = "[gracevisor: ";
  for (auto at = content.find(mark); at != std::string::npos; at = content.find(mark, at + 1)) {
    told += std::stoull(content.substr(at + mark.size(), 20));
    ++markers;
  }
  CHECK(markers >= 1);
  CHECK(told == dropped);
  // Every line is either in the file or counted in a marker.
  CHECK(lines_of(content) - markers + told == sent * lines_of(batch) + lines_of(huge));
}

TEST_CASE_FIXTURE(Fixture, "writer: a drop is told although no further line comes") {
  FilePolicy policy{folder / "flood.log", 0, 1};
  writer->append(policy, std::string(LineQueue::kMost + 1, 'x') + "\n");
  CHECK(writer->dropped_lines() == 1);
  REQUIRE(run_until(*loop, [&] { return !content_of(policy.path).empty(); }));
  CHECK(content_of(policy.path) == "[gracevisor: 1 lines, 67108866 bytes dropped]\n");
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: a line that must be on its way does not wait for the turn's end") {
  FilePolicy policy{folder / "own.log", 1 << 20, 1};
  writer->append_now(policy, "last words\n");
  // The loop never turns again, as in a crash.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (content_of(policy.path).empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(content_of(policy.path) == "last words\n");
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: reopen creates the files anew") {
  FilePolicy policy{folder / "web.log", 1 << 20, 2};
  writer->append(policy, "one\n");
  REQUIRE(run_until(*loop, [&] { return content_of(policy.path) == "one\n"; }));
  std::filesystem::rename(policy.path, folder / "moved");
  writer->reopen();
  REQUIRE(run_until(*loop, [&] { return std::filesystem::exists(policy.path); }));
  writer->append(policy, "two\n");
  end();
  CHECK(content_of(policy.path) == "two\n");
  CHECK(content_of(folder / "moved") == "one\n");
}

TEST_CASE("writer: it starts and ends without work") {
  auto loop = std::move(*loop::Loop::create());
  auto writer = Writer::start(*loop);
  REQUIRE(writer.has_value());
  writer->reset();
  CHECK(loop->close() == 0);
}

namespace {

std::string record(const std::string& text) {
  std::string made;
  append_records(LogFormat::prefixed, {std::chrono::system_clock::now(), "web", "5.1", LogStream::out}, text,
                 made);
  return made;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "writer: a sink that nobody reads holds back and costs its own apps alone") {
  FilePolicy absent{folder / "absent", 0, 0};
  absent.sink = SinkKind::syslog;
  absent.app = "web";
  FilePolicy blocks = absent;
  blocks.path = folder / "blocks";
  blocks.block = true;
  FilePolicy there = absent;
  there.path = folder / "there";
  test::LogSocket socket(there.path);
  std::vector<std::string> told;
  writer->on_degraded([&](const std::string& path, const std::string&) { told.push_back(path); });
  const std::string line = record(std::string(16 << 10, 'x') + "\n");
  CHECK(writer->takes(absent));
  while (writer->takes(absent)) writer->append(absent, line);
  while (writer->takes(blocks)) writer->append(blocks, line);
  CHECK(writer->takes(there));
  writer->append(there, record("one\n"));
  REQUIRE(run_until(*loop, [&] { return socket.take().size() == 1; }));
  CHECK(socket.messages()[0].ends_with(" web[5.1]: one"));
  // Nothing moves for 2 s: then what comes is dropped, but not where the app waits for as long as it takes.
  REQUIRE(run_until(*loop, [&] { return writer->takes(absent); }));
  CHECK_FALSE(writer->takes(blocks));
  CHECK(writer->dropped_lines() == 0);
  writer->append(absent, line);
  CHECK(writer->dropped_lines() == 1);
  CHECK(told.size() == 2);
  // Whoever comes gets all of it, and is told what is missing.
  test::LogSocket late(absent.path);
  test::LogSocket later(blocks.path);
  std::size_t whole = 0;
  REQUIRE(run_until(*loop, [&] {
    (void)later.take();
    return !late.take().empty() && late.messages().back().find("[gracevisor: 1 lines, ") != std::string::npos;
  }));
  for (const std::string& message : late.messages()) whole += message.size() / kMostSyslogText;
  CHECK(whole >= (8U << 20) / (16U << 10));
  REQUIRE(run_until(*loop, [&] {
    (void)later.take();
    return writer->takes(blocks);
  }));
  CHECK(writer->dropped_lines() == 1);
  end();
}

TEST_CASE_FIXTURE(Fixture, "writer: what is left for a sink is sent at the end, or counted after a while") {
  FilePolicy there{folder / "there", 0, 0};
  there.sink = SinkKind::syslog;
  there.app = "web";
  FilePolicy absent = there;
  absent.path = folder / "absent";
  test::LogSocket socket(there.path);
  writer->append(absent, record("lost\n"));
  for (int i = 0; i < 5; ++i) writer->append(there, record(std::to_string(i) + "\n"));
  end();
  REQUIRE(socket.take().size() == 5);
  CHECK(socket.messages()[4].ends_with(": 4"));
}
