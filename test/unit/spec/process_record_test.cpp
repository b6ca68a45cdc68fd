#include "spec/process_record.h"

#include <doctest/doctest.h>

#include "base/file.h"
#include "spec/state_id.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;

namespace {

ProcessRecord sample() {
  config::Stop stop;
  stop.ladder = {{2, base::Millis(1500)}, {15, base::Millis(0)}};
  stop.scope = config::Stop::Scope::main;
  stop.leftover = config::Stop::Leftover::leave;
  return {boot_id(), {{"web", "42.1", 4711, 99, stop}, {"a b", "1.1", 4712, 100, {}}}};
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("process record: what is written is read again") {
  auto read = record_from_text(to_text(sample()));
  REQUIRE(read.has_value());
  REQUIRE(read->processes.size() == 2);
  const RecordedProcess& web = read->processes.front();
  CHECK(web.app == "web");
  CHECK(web.instance == "42.1");
  CHECK(web.pid == 4711);
  CHECK(web.started == 99);
  REQUIRE(web.stop.ladder.size() == 2);
  CHECK(web.stop.ladder[0].signal == 2);
  CHECK(web.stop.ladder[0].wait == base::Millis(1500));
  CHECK(web.stop.scope == config::Stop::Scope::main);
  CHECK(web.stop.leftover == config::Stop::Leftover::leave);
}

TEST_CASE("process record: what could signal everybody, or nobody, is refused") {
  const std::string text = to_text(sample());
  CHECK_FALSE(record_from_text("").has_value());
  CHECK_FALSE(record_from_text("[]").has_value());
  CHECK_FALSE(record_from_text(replaced(text, "\"version\":1", "\"version\":2")).has_value());
  for (const char* pid : {"0", "1", "-1", "4294967296", "\"4711\"", "1e99"}) {
    CAPTURE(pid);
    CHECK_FALSE(record_from_text(replaced(text, "\"pid\":4711", std::string("\"pid\":") + pid)).has_value());
  }
  for (const char* signal : {"0", "65", "-1"}) {
    CAPTURE(signal);
    CHECK_FALSE(
        record_from_text(replaced(text, "\"signal\":2", std::string("\"signal\":") + signal)).has_value());
  }
}

TEST_CASE("process record: none, or one of another boot, is empty, and a damaged one is an error") {
  test::TempFolder folder;
  auto none = load_record(folder.path());
  REQUIRE(none.has_value());
  CHECK(none->processes.empty());
  REQUIRE_FALSE(boot_id().empty());
  test::put_content(record_path(folder.path()), to_text(sample()));
  CHECK(load_record(folder.path())->processes.size() == 2);
  ProcessRecord old = sample();
  old.boot = "another";
  test::put_content(record_path(folder.path()), to_text(old));
  CHECK(load_record(folder.path())->processes.empty());
  test::put_content(record_path(folder.path()), "{");
  CHECK_FALSE(load_record(folder.path()).has_value());
}

TEST_CASE("state id: it is made once, kept, and made anew when it is damaged") {
  test::TempFolder folder;
  test::TempFolder other;
  auto first = state_id(folder.path());
  REQUIRE(first.has_value());
  CHECK(first->text.size() == 32);
  CHECK(first->problem.empty());
  CHECK(state_id(folder.path())->text == first->text);
  CHECK(state_id(other.path())->text != first->text);
  test::put_content(folder / "id", "../../etc\n");
  auto again = state_id(folder.path());
  CHECK(again->text.size() == 32);
  CHECK(state_id(folder.path())->text == again->text);
  auto nowhere = state_id(folder / "missing");
  REQUIRE(nowhere.has_value());
  CHECK_FALSE(nowhere->problem.empty());
}
