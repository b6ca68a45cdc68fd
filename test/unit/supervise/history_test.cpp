#include "supervise/history.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/file.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::supervise;
using decide::Report;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::filesystem::path file = folder.path() / "web.json";
  base::TimePoint now{};

  std::shared_ptr<History> history() {
    return std::make_shared<History>(file, [](const std::filesystem::path& path, const std::string& text) {
      REQUIRE(base::replace_file(path, text, 0600).has_value());
    });
  }
  std::shared_ptr<Report> report(std::string verb, std::uint64_t generation) {
    auto made = std::make_shared<Report>(now, decide::Command{std::move(verb), 1000});
    made->concerns(base::GenerationId(generation));
    return made;
  }
  void finish(Report& report, std::string text) {
    report.finish(now, "done", std::move(text), base::ExitCode::done);
  }
};

}  // namespace

TEST_CASE("history: a command is kept once it is finished, and the next daemon still knows it") {
  Fixture f;
  auto first = f.history();
  auto deploy = f.report("deploy", 2);
  keep(first, deploy);
  decide::ReportLine line{.phase = "cutover", .text = "new requests -> @2"};
  line.fields = {{"generation", std::int64_t{2}}, {"weak", true}, {"old", std::string("@1")}};
  line.keys = {"command"};
  line.started = {{"2.1", 7, ":21004"}};
  line.stopped = {{"1.1", "exit 3", 3, {}}, {"1.2", "signal 9 (KILL)", {}, 9}};
  deploy->add(f.now + std::chrono::seconds(3), line);
  CHECK(first->commands().empty());
  f.finish(*deploy, "0 failed");
  REQUIRE(first->commands().size() == 1);

  auto second = f.history();
  REQUIRE(second->commands().size() == 1);
  const PastCommand& past = second->commands().front();
  CHECK(past.command.verb == "deploy");
  CHECK(past.command.uid == 1000);
  CHECK(past.generation == base::GenerationId(2));
  CHECK(past.at == first->commands().front().at);
  REQUIRE(past.lines.size() == 2);
  CHECK(past.lines[0].phase == "cutover");
  CHECK(past.lines[0].keys == line.keys);
  CHECK(past.lines[0].started == line.started);
  CHECK(past.lines[0].stopped == line.stopped);
  CHECK(past.lines[0].at == base::Millis(3000));
  auto fields = past.lines[0].fields;
  std::ranges::sort(fields, {}, &decide::ReportField::name);
  auto expected = line.fields;
  std::ranges::sort(expected, {}, &decide::ReportField::name);
  CHECK(fields == expected);
  CHECK(past.last().exit == base::ExitCode::done);
  CHECK(past.last().text == "0 failed");
}

TEST_CASE("history: it keeps the newest commands, and of a long report the beginning and the end") {
  Fixture f;
  auto history = f.history();
  for (std::uint64_t i = 1; i <= History::kMost + 5; ++i) {
    auto report = f.report("deploy", i);
    keep(history, report);
    for (int line = 0; line < 500; ++line) {
      report->add(f.now, "output", std::to_string(line) + std::string(5000, 'x'));
    }
    f.finish(*report, "end");
  }
  const auto again = f.history();
  const auto& commands = again->commands();
  REQUIRE(commands.size() == History::kMost);
  CHECK(commands.front().generation == base::GenerationId(6));
  for (const PastCommand& past : commands) {
    CHECK(past.lines.size() == History::kMostLines);
    CHECK(past.lines.front().text.starts_with("0x"));
    CHECK(past.last().text == "end");
    for (const auto& line : past.lines) CHECK(line.text.size() <= History::kMostText);
  }
}

TEST_CASE("history: a file that is none begins anew, and bytes that are no UTF-8 do no harm") {
  Fixture f;
  for (const char* content : {"", "{", "[]", R"({"commands":7})", R"({"commands":[7,{},{"lines":[]}]})",
                              R"({"commands":[{"verb":1,"at":"x","lines":[{"exit":"y"}]}]})"}) {
    CAPTURE(content);
    REQUIRE(base::replace_file(f.file, content, 0600).has_value());
    CHECK(f.history()->commands().empty());
  }
  auto history = f.history();
  auto report = f.report("stop", 1);
  keep(history, report);
  f.finish(*report, "\xff\xfe");
  CHECK(f.history()->commands().size() == 1);
}

TEST_CASE("history: a damaged file gives no time that cannot be written and no exit code that is none") {
  const auto read = [](const std::string& at, const std::string& exit) {
    return past_commands(R"({"commands":[{"verb":"x","at":)" + at + R"(,"lines":[{"exit":)" + exit + "}]}]}");
  };
  for (const char* at : {"-1", "0", "9223372036854775807", "-9223372036854775808", "1e300", "\"x\""}) {
    CAPTURE(at);
    const auto commands = read(at, "0");
    REQUIRE(commands);
    REQUIRE(commands->size() == 1);
    const auto seconds = commands->front().at.time_since_epoch().count();
    CHECK(seconds >= 0);
    CHECK(seconds <= 253402300799);
  }
  for (const char* exit : {"256", "-1", "99999999999", "1.5", "null"}) {
    CAPTURE(exit);
    CHECK(read("0", exit)->empty());
  }
}

TEST_CASE("history: a report that is never finished is not kept alive by it") {
  Fixture f;
  auto history = f.history();
  auto report = f.report("deploy", 1);
  keep(history, report);
  std::weak_ptr<Report> watched = report;
  report.reset();
  CHECK(watched.expired());
}
