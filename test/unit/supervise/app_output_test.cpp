#include "supervise/app_output.h"

#include <doctest/doctest.h>

#include <set>

#include "support/log_socket.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::process;
using namespace gracevisor::supervise;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<output::Writer> writer = std::move(*output::Writer::start(*loop));
  std::set<std::uint64_t> alive;
  config::App config = [] {
    config::App app;
    app.name = "web";
    return app;
  }();
  AppOutput output{*loop, *writer, folder.path(), config,
                   [this](base::GenerationId g) { return alive.contains(g.value()); }};

  void write(std::uint64_t generation, const std::string& text, unsigned slot = 1) {
    routing::Identity who{base::AppId(1), base::GenerationId(generation), base::Slot(slot),
                          base::Incarnation(1)};
    output.take(who, OutputStream::out, text + "\n");
  }
  std::string all() {
    std::string text;
    auto newest = output.newest_first();
    while (const OutputLine* line = newest.next()) text.insert(0, line->instance + "=" + line->text + " ");
    return text;
  }
  std::vector<std::uint64_t> kept() {
    std::vector<std::uint64_t> numbers;
    for (base::GenerationId generation : output.generations()) numbers.push_back(generation.value());
    return numbers;
  }
};

}  // namespace

TEST_CASE("app output: the live generation keeps its lines under its name, however many deploys failed") {
  Fixture f;
  f.alive = {1};
  f.write(1, "boots");
  for (std::uint64_t failed = 2; failed <= 30; ++failed) {
    f.alive.insert(failed);
    f.write(failed, "fails");
    f.alive.erase(failed);
    f.write(1, "serves");
  }
  CHECK(f.kept() == std::vector<std::uint64_t>{1, 25, 26, 27, 28, 29, 30});
  std::string text = f.all();
  CHECK(text.starts_with("1.1=boots "));
  CHECK(text.find("25.1=serves") == std::string::npos);
  CHECK(f.output.last({base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)}, 100)
            .size() == 30);
}

TEST_CASE("app output: the last five dead generations are kept, beside everything that is alive") {
  Fixture f;
  f.alive = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (std::uint64_t g = 1; g <= 9; ++g) {
    f.write(g, "a", 1);
    f.write(g, "b", 2);
  }
  CHECK(f.kept().size() == 9);
  f.alive = {2, 10};
  f.write(10, "a");
  CHECK(f.kept() == std::vector<std::uint64_t>{2, 5, 6, 7, 8, 9, 10});
  CHECK(f.output.keeps(base::GenerationId(5), base::Slot(2)));
  CHECK_FALSE(f.output.keeps(base::GenerationId(5), base::Slot(3)));
  CHECK_FALSE(f.output.keeps(base::GenerationId(4), std::nullopt));
  CHECK_FALSE(f.output.keeps(base::GenerationId(11), std::nullopt));
}

TEST_CASE("app output: tidied up it has the last five dead ones and no more") {
  Fixture f;
  f.alive = {1, 8};
  for (std::uint64_t g = 1; g <= 8; ++g) f.write(g, "a");
  f.alive = {1};
  f.output.tidy();
  CHECK(f.kept() == std::vector<std::uint64_t>{1, 4, 5, 6, 7, 8});
}

TEST_CASE("app output: what is left of a generation long dead writes under its own name") {
  Fixture f;
  for (std::uint64_t g = 1; g <= 8; ++g) f.write(g, "a");
  f.write(1, "late");
  CHECK(f.all().find("1.1=late") != std::string::npos);
  CHECK(f.output.last({base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)}, 9) ==
        std::vector<std::string>{"late"});
}

TEST_CASE("app output: the largest generation number has no neighbours to overflow into") {
  Fixture f;
  for (std::uint64_t g : {std::uint64_t{1}, ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) f.write(g, "a");
  CHECK(f.kept().size() == 3);
}

TEST_CASE("app output: a format makes records of what comes from then on, and a line ends with its process") {
  Fixture f;
  f.alive = {1};
  f.write(1, "as it is");
  config::AppLog log;
  log.format = config::AppLog::Format::prefixed;
  f.output.adjust(base::GenerationId(1), log);
  f.write(1, "prefixed");
  const routing::Identity who{base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)};
  f.output.take(who, OutputStream::err, "unfin");
  f.output.flush(who);
  f.output.take(who, OutputStream::err, "next\n");
  f.output.note(who, "a note");
  log.format = config::AppLog::Format::json;
  f.output.adjust(base::GenerationId(1), log);
  f.write(1, "json");
  f.writer.reset();
  const std::string file = test::content_of(f.folder / "log/web.log");
  std::string shown;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = file.find('\n', begin);
    const std::string line = file.substr(begin, end - begin);
    const auto record = output::parse_record(line, false, "web");
    shown += !record ? line
                     : (record->stream == output::LogStream::err ? "!" : ":") + record->text +
                           (record->goes_on ? "+" : "");
    shown += "\n";
    begin = end + 1;
  }
  CHECK(shown == "as it is\n:prefixed\n!unfin\n!next\n![gracevisor] a note\n:json\n");
}

TEST_CASE(
    "app output: what is kept is visited from the newest line, and since when it is complete is known") {
  Fixture f;
  f.alive = {1};
  const auto begin = std::chrono::system_clock::now();
  f.write(1, "one", 1);
  f.write(1, "two", 2);
  f.write(1, "three", 1);
  CHECK(f.all() == "1.1=one 1.2=two 1.1=three ");
  CHECK(f.output.complete_since() <= begin);
  // What comes later is not seen, and what is let go meanwhile is left out.
  auto newest = f.output.newest_first();
  f.write(1, "later", 1);
  const OutputLine* seen = newest.next();
  REQUIRE(seen != nullptr);
  CHECK(seen->text == "three");
  for (int i = 0; i < 5000; ++i) f.write(1, std::string(100, 'x'), 2);
  CHECK(f.output.complete_since() > begin);
  seen = newest.next();
  REQUIRE(seen != nullptr);
  CHECK(seen->text == "one");
  CHECK(newest.next() == nullptr);
}

TEST_CASE("app output: the last line of an incarnation ends with it, also in a record that had gone out") {
  Fixture f;
  f.alive = {1};
  config::AppLog log;
  log.format = config::AppLog::Format::prefixed;
  f.output.adjust(base::GenerationId(1), log);
  const routing::Identity who{base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)};
  // Too long to wait for its end.
  f.output.take(who, OutputStream::out, std::string((1UL << 20) + 1, 'x'));
  f.output.end(who);
  f.write(1, "next");
  std::vector<std::string> parts;
  auto newest = f.output.newest_first();
  while (const OutputLine* line = newest.next()) {
    if (!line->partial) parts.push_back(line->text);
  }
  REQUIRE(parts.size() == 2);
  CHECK(parts[0] == "next");
  f.writer.reset();
  const std::string file = test::content_of(f.folder / "log/web.log");
  CHECK(file.find(" web@1.1 out+ x") != std::string::npos);
  CHECK(file.find("x\n20") != std::string::npos);
  const auto end = file.find(" web@1.1 out| \n");
  CHECK(end != std::string::npos);
  CHECK(file.find(" web@1.1 out| next\n") > end);
}

TEST_CASE("app output: who begins to follow an app that is forgotten is told at once") {
  Fixture f;
  f.output.close();
  int ends = 0;
  const auto number = f.output.follow({.line = [](const OutputLine&) {}, .end = [&ends] { ++ends; }});
  CHECK(ends == 1);
  f.output.unfollow(number);
  f.output.close();
  CHECK(ends == 1);
}

TEST_CASE(
    "app output: lines for syslog say whose they are and stay in memory, and the next log is a file again") {
  Fixture f;
  test::LogSocket socket(f.folder / "log.sock");
  f.alive = {1};
  config::AppLog log;
  log.out = "syslog:" + (f.folder / "log.sock").string();
  log.format = config::AppLog::Format::json;
  f.output.adjust(base::GenerationId(1), log);
  CHECK(f.output.places().front().policy.name() == log.out);
  f.write(1, "to syslog", 2);
  const routing::Identity who{base::AppId(1), base::GenerationId(1), base::Slot(1), base::Incarnation(1)};
  f.output.take(who, OutputStream::err, "unfin");
  f.output.end(who);
  log.out = {};
  log.format = config::AppLog::Format::plain;
  f.output.adjust(base::GenerationId(1), log);
  f.write(1, "to a file", 2);
  f.writer.reset();
  REQUIRE(socket.take().size() == 2);
  CHECK(socket.messages()[0].ends_with(" web[1.2]: to syslog"));
  CHECK(socket.messages()[1].ends_with(" web[1.1]: unfin"));
  CHECK(socket.messages()[1].starts_with("<28>"));
  CHECK(test::content_of(f.folder / "log/web.log") == "to a file\n");
  CHECK(f.all() == "1.2=to syslog 1.1=unfin 1.2=to a file ");
}
