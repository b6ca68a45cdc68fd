// What is read back from a log and its old files.
#include "output/log_read.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "output/log_merge.h"
#include "output/log_reads.h"
#include "output/writer.h"
#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::put_content;
using test::run_until;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  test::TempFolder folder;
  fs::path file = folder / "web.log";
  LogReading asked{.policy = {.path = file, .keep = 5}, .kind = LogKind::output, .app = "web", .query = {}};
  int steps = 0;

  void old(unsigned number, const std::string& text) {
    put_content(file.string() + "." + std::to_string(number), text);
  }
  // `between` runs between any two steps.
  LogRead read(const std::function<void()>& between = [] {}) {
    LogReader reader(asked, std::make_shared<const LogOpener>());
    steps = 1;
    for (; reader.step(); ++steps) between();
    return reader.take();
  }
  std::string texts() {
    std::string all;
    for (const FileLine& line : read().lines) all += line.text + " ";
    return all;
  }
};

base::WallTime at(const std::string& text) {
  return *base::parse_rfc3339(text);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "log read: the newest lines, over old files") {
  put_content(file, "seven\neight\nnine");
  old(1, "four\nfive\nsix\n");
  old(2, "one\ntwo\nthree\n");
  old(4, "zero\n");
  old(7, "never\n");
  struct Row {
    std::size_t lines;
    std::string texts;
  };
  for (const Row& row :
       {Row{0, ""}, Row{1, "nine "}, Row{3, "seven eight nine "}, Row{4, "six seven eight nine "},
        Row{9, "one two three four five six seven eight nine "},
        Row{1000, "zero one two three four five six seven eight nine "}}) {
    CAPTURE(row.lines);
    asked.query.lines = row.lines;
    CHECK(texts() == row.texts);
  }
}

TEST_CASE_FIXTURE(Fixture, "log read: nothing there is nothing found, and an empty file is passed") {
  CHECK(read().lines.empty());
  CHECK_FALSE(read().any);
  CHECK(read().trouble.empty());
  put_content(file, "");
  old(1, "one\n");
  CHECK(texts() == "one ");
}

TEST_CASE_FIXTURE(Fixture, "log read: a fixed text is searched for, not a pattern") {
  put_content(file, "a.c\nabc\nA.C\n\n.*\n");
  asked.query.grep = "a.c";
  CHECK(texts() == "a.c ");
  asked.query.grep = ".*";
  CHECK(texts() == ".* ");
  asked.query.grep = "none";
  CHECK(read().lines.empty());
  CHECK(read().any);
}

TEST_CASE_FIXTURE(Fixture,
                  "log read: records tell time, instance and stream, and plain lines count as untold") {
  put_content(file,
              "plain\n"
              "2026-11-29T10:00:00.000Z web@4.1 out| a\n"
              "2026-11-29T11:00:00.000Z web@4.2 err| b\n"
              "2026-11-29T12:00:00.000Z web@5.1 out| c\n"
              "2026-11-29T12:00:01.000Z api@5.1 out| d\n");
  CHECK(read().lines.size() == 5);
  asked.query.instances = {"4"};
  CHECK(texts() == "a b ");
  CHECK(read().untold == 2);
  asked.query.instances = {"4.2", "5"};
  CHECK(texts() == "b c ");
  asked.query.instances = {"41"};
  CHECK(texts() == "");
  asked.query.instances = {};
  asked.query.stream = LogStream::err;
  CHECK(texts() == "b ");
  asked.query.stream = LogStream::unknown;
  asked.query.since = at("2026-11-29T11:00:00Z");
  CHECK(texts() == "b c ");
  asked.query.until = at("2026-11-29T11:30:00Z");
  CHECK(texts() == "b ");
}

TEST_CASE_FIXTURE(Fixture, "log read: of a long line as much is read from every form") {
  const std::string text = std::string(70000, '\x01') + "end";
  const LineHead head{at("2026-11-29T10:00:00Z"), "web", "5.1", LogStream::out};
  std::string records = "plain" + text + "\n";
  for (const LogFormat format : {LogFormat::prefixed, LogFormat::json}) {
    append_records(format, head, text + "\nnext\n", records);
  }
  put_content(file, records);
  const auto lines = read().lines;
  REQUIRE(lines.size() == 5);
  for (const std::size_t i : {0UL, 1UL, 3UL}) {
    CAPTURE(i);
    CHECK(lines[i].text.size() == kMostText);
    CHECK(lines[i].shortened);
    CHECK_FALSE(lines[i].goes_on);
  }
  CHECK(lines[1].text == lines[3].text);
  CHECK(merge(lines, {}).size() == 5);
}

TEST_CASE_FIXTURE(Fixture, "log read: a file of one stream answers for it") {
  put_content(file, "plain\n");
  asked.stream = LogStream::err;
  asked.query.stream = LogStream::err;
  CHECK(read().lines == std::vector<FileLine>{{{}, {}, LogStream::err, "plain"}});
  asked.query.stream = LogStream::out;
  CHECK(read().lines.empty());
}

TEST_CASE_FIXTURE(Fixture, "log read: it stops where lines, or a file, are too old") {
  std::string old_lines;
  for (int i = 0; i < 20000; ++i) old_lines += "2026-11-29T10:00:00.000Z web@4.1 out| old\n";
  put_content(file, old_lines + "2026-11-29T12:00:00.000Z web@5.1 out| new\n");
  old(1, old_lines);
  asked.query.since = at("2026-11-29T11:00:00Z");
  CHECK(texts() == "new ");
  CHECK(steps == 2);
  // A file that was last written before.
  put_content(file, "2099-11-29T12:00:00.000Z web@5.1 out| future\n");
  old(1, "plain\n");
  const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (file.string() + ".1").c_str(), long_ago, 0) == 0);
  CHECK(texts() == "future ");
  CHECK(read().untold == 0);
}

TEST_CASE_FIXTURE(Fixture, "log read: a line of a wrong clock hides nothing before it") {
  put_content(file,
              "2026-11-29T12:00:00.000Z web@5.1 out| one\n"
              "1970-01-01T00:00:00.000Z web@5.1 out| wrong\n"
              "2026-11-29T12:00:01.000Z web@5.1 out| two\n");
  asked.query.since = at("2026-11-29T11:00:00Z");
  CHECK(texts() == "one two ");
}

TEST_CASE_FIXTURE(Fixture, "log read: a budget of bytes and one of work end it with what was found") {
  const std::string line = std::string(999, 'x') + "\n";
  std::string text;
  for (int i = 0; i < 3000; ++i) text += line;
  put_content(file, text);
  old(1, text);
  asked.query.lines = 100'000;
  const auto read_with = [this](LogReader::Budget budget) {
    LogReader reader(asked, std::make_shared<const LogOpener>(), budget);
    while (reader.step()) {
    }
    return reader.take();
  };
  LogRead found = read_with({.bytes = 1UL << 20});
  CHECK(found.lines.size() >= 1000);
  CHECK(found.lines.size() <= 1049);
  CHECK(found.spent == "256 MiB");
  CHECK(found.bytes == found.lines.size() * (999 + LogReader::kPerLine));
  found = read_with({.work = base::Duration(1)});
  CHECK(found.lines.empty());
  CHECK(found.spent == "10 s");
  CHECK(read_with({}).spent.empty());
  // A line that never ends, without blocks on the disk.
  fs::resize_file(file, 8ULL << 30);
  CHECK(read_with({.bytes = 4UL << 20}).spent == "256 MiB");
}

TEST_CASE_FIXTURE(Fixture, "log read: bytes of instances count, and many numbers are none") {
  std::string text;
  for (int i = 0; i < 10; ++i) text += "2026-11-29T12:00:00.000Z web@5.1 out| x\n";
  put_content(file, text);
  asked.query.bytes = 3 * (1 + 3 + LogReader::kPerLine);
  const LogRead found = read();
  CHECK(found.lines.size() == 3);
  CHECK(found.bytes == asked.query.bytes);
  CHECK(found.cut);
}

TEST_CASE_FIXTURE(
    Fixture, "log read: it gives up where nothing says what is asked for, and goes on where something does") {
  std::string plain;
  for (int i = 0; i < 2500; ++i) plain += std::string(999, 'x') + "\n";  // more than half of what it takes
  const std::string record = "2026-11-29T10:00:00.000Z web@4.1 out| found\n";
  put_content(file, record + plain + plain + record + plain);
  asked.query.instances = {"4.1"};
  LogRead found = read();
  CHECK(found.gave_up);
  CHECK(found.lines.size() == 1);
  put_content(file, record + plain + record + plain);
  found = read();
  CHECK_FALSE(found.gave_up);
  CHECK(found.lines.size() == 2);
  CHECK(found.untold == 5000);
}

TEST_CASE_FIXTURE(Fixture, "log read: what it finds is bounded in bytes") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::string(100, 'x') + "\n";
  put_content(file, text);
  asked.query.lines = 1000;
  asked.query.bytes = 16400;
  LogRead found = read();
  CHECK(found.cut);
  CHECK(found.lines.size() == 100);
}

TEST_CASE_FIXTURE(Fixture, "log read: a file that is rotated meanwhile is read once") {
  put_content(file, "three\nfour\n");
  old(1, "one\ntwo\n");
  bool rotated = false;
  LogRead found = read([&] {
    if (std::exchange(rotated, true)) return;
    fs::rename(file.string() + ".1", file.string() + ".2");
    fs::rename(file, file.string() + ".1");
    put_content(file, "five\n");
  });
  std::string all;
  for (const FileLine& line : found.lines) all += line.text + " ";
  CHECK(all == "one two three four ");
}

TEST_CASE_FIXTURE(Fixture, "log read: a file that is truncated meanwhile is left") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "line " + std::to_string(i) + "\n";
  put_content(file, text);
  old(1, "copy\n");
  asked.query.lines = 1000000;
  int step = 0;
  LogRead found = read([&] {
    if (++step == 2) fs::resize_file(file, 0);
  });
  CHECK(found.lines.front().text == "copy");
  CHECK(found.lines.back().text == "line 99999");
  CHECK(found.lines.size() < 100000);
}

TEST_CASE_FIXTURE(Fixture, "log read: links, pipes and folders are refused with a remark") {
  put_content(folder / "secret", "secret\n");
  fs::create_symlink(folder / "secret", file);
  CHECK(read().lines.empty());
  CHECK(read().trouble.find("web.log") != std::string::npos);
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK(read().trouble.find("is not a regular file") != std::string::npos);
  fs::remove(file);
  fs::create_directory(file);
  CHECK(read().trouble.find("is a directory") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "writer: a log is read back with what was appended before, and writing goes on") {
  auto loop = std::move(*loop::Loop::create());
  auto writer = std::move(*Writer::start(*loop));
  for (int i = 0; i < 50000; ++i) writer->append(asked.policy, "line " + std::to_string(i) + "\n");
  asked.query.lines = 60000;
  std::vector<LogRead> found;
  // More than are read at once.
  for (int i = 0; i < 10; ++i) {
    (void)writer->read(asked, [&found](LogRead one) { found.push_back(std::move(one)); });
  }
  const std::uint64_t gone = writer->read(asked, [](const LogRead&) { FAIL("it was cancelled"); });
  writer->cancel_read(gone);
  writer->append({.path = folder / "other.log"}, "other\n");
  CHECK(run_until(*loop, [&] { return found.size() == 10; }));
  for (const LogRead& one : found) {
    CHECK(one.lines.size() == 50000);
    CHECK(one.lines.back().text == "line 49999");
  }
  CHECK(writer->read_steps() > 0);
  writer.reset();
  CHECK(loop->close() == 0);
  CHECK(test::content_of(folder / "other.log") == "other\n");
}

TEST_CASE_FIXTURE(Fixture,
                  "log reads: a cancellation is answered beside a new order, and never comes too early") {
  put_content(file, std::string(4UL << 20, 'x') + "\n");
  ReadLane lane;
  LogReaders readers(lane, std::make_shared<const LogOpener>());
  bool answered = false;
  REQUIRE(lane.orders.push({1, asked}));
  REQUIRE(readers.step(answered));
  CHECK_FALSE(answered);
  REQUIRE(lane.cancelled.push(1));
  REQUIRE(lane.orders.push({2, asked}));
  REQUIRE(readers.step(answered));
  CHECK(answered);
  CHECK(lane.answers.pop()->id == 1);
  CHECK_FALSE(lane.answers.pop().has_value());
}

TEST_CASE_FIXTURE(Fixture, "writer: it ends while logs are read") {
  auto loop = std::move(*loop::Loop::create());
  auto writer = std::move(*Writer::start(*loop));
  put_content(file, std::string(4UL << 20, 'x') + "\n");
  asked.query.grep = "y";
  for (int i = 0; i < 10; ++i) {
    (void)writer->read(asked, [](const LogRead&) { FAIL("nobody looks any more"); });
  }
  writer.reset();
  CHECK(loop->close() == 0);
}
