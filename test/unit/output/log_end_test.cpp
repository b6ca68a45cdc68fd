// What a killed run left open: by table, and in files.
#include "output/log_end.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "output/log_files.h"
#include "support/manual_clock.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using std::chrono::seconds;
using test::content_of;

namespace {

constexpr base::WallTime kNow = base::WallTime(std::chrono::milliseconds(1'764'442'000'000));

std::string prefixed(const std::string& rest) {
  return "2025-11-29T10:00:00.000Z " + rest;
}

std::string json(const std::string& rest) {
  return R"({"time":"2025-11-29T10:00:00.000Z",)" + rest + "}";
}

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  handoff::Tally lost;
  std::filesystem::path path = folder / "web.log";
  LogFiles files{clock, lost};
};

}  // namespace

TEST_CASE("log end: what goes on behind its last record is ended and nothing else is") {
  struct Row {
    const char* name;
    std::vector<std::string> lines;  // oldest first
    std::vector<std::string> ends;   // without their times
  };
  const std::string half = R"("app":"web","instance":"1.1","stream":"out","line":"half")";
  for (const Row& row : std::vector<Row>{
           {"nothing", {}, {}},
           {"whole lines", {prefixed("web@1.1 out| a"), json(half)}, {}},
           {"plain lines", {"half", "web@1.1 out+ half"}, {}},
           {"one that goes on", {prefixed("web@1.1 out+ half")}, {"Z web@1.1 out| "}},
           {"behind others",
            {prefixed("web@1.1 out+ half"), prefixed("web@1.2 out| a")},
            {"Z web@1.1 out| "}},
           {"its end has come", {prefixed("web@1.1 out+ half"), prefixed("web@1.1 out| of it")}, {}},
           {"of the other stream",
            {prefixed("web@1.1 err+ half"), prefixed("web@1.1 out| a")},
            {"Z web@1.1 err| "}},
           {"of two apps",
            {prefixed("b@12.3 out+ half"), prefixed("a@1.1 out+ half")},
            {"Z a@1.1 out| ", "Z b@12.3 out| "}},
           {"as JSON",
            {json(half + R"(,"cut":true)")},
            {R"(Z","app":"web","instance":"1.1","stream":"out","line":""})"}},
           {"a record that was cut off", {json(half).substr(0, 60)}, {}},
           {"no app", {prefixed("@1.1 out+ half"), prefixed(std::string(300, 'a') + "@1.1 out+ half")}, {}},
       }) {
    CAPTURE(row.name);
    OpenLines open;
    for (auto line = row.lines.rbegin(); line != row.lines.rend(); ++line) open.add(*line, false);
    const std::string ends = open.ends(kNow);
    CHECK(static_cast<std::size_t>(std::ranges::count(ends, '\n')) == row.ends.size());
    std::size_t at = 0;
    for (const std::string& end : row.ends) {
      at = ends.find(end + "\n", at);
      CHECK(at != std::string::npos);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "log end: what an earlier run left without its end is no part of the first line") {
  test::put_content(path, "whole\nhalf");
  files.append({FilePolicy{path, 0, 3}, "next\n", {}, {}, {}});
  CHECK(content_of(path) == "whole\nhalf\nnext\n");
}

TEST_CASE_FIXTURE(Fixture, "log end: an unfinished line is gone on with however long its source was silent") {
  const FilePolicy policy{path, 0, 3};
  const Source one{1};
  files.append({policy, "whole\nhalf", {}, one, one});
  clock.advance(seconds(100));
  files.tick();
  files.append({policy, " of it\n", {}, one, one});
  CHECK(content_of(path) == "whole\nhalf of it\n");
  clock.advance(seconds(100));
  files.tick();
  CHECK(files.open_files() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "log end: a record that an earlier run did not end is ended before the first line") {
  const FilePolicy policy{.path = path, .max_size = 0, .keep = 3, .records = true};
  const std::string half = "2025-11-29T10:00:00.000Z web@1.1 out+ half";
  const std::string long_half = "2025-11-29T10:00:00.000Z web@1.1 out+ " + std::string(1UL << 20, 'x');
  for (const std::string& left : {half + "\n", half, "first\n" + half + "\n", long_half + "\n"}) {
    test::put_content(path, left);
    LogFiles fresh(clock, lost);
    fresh.append({policy, "next\n", {}, {}, {}});
    const std::string all = content_of(path);
    CHECK(all.starts_with(left));
    CHECK(all.ends_with("Z web@1.1 out| \nnext\n"));
    // This run's own go on.
    fresh.append({policy, half + "\n", {}, {}, {}});
    clock.advance(seconds(100));
    fresh.tick();
    REQUIRE(fresh.open_files() == 0);
    fresh.append({policy, "rest\n", {}, {}, {}});
    CHECK(content_of(path) == all + half + "\nrest\n");
  }
}
