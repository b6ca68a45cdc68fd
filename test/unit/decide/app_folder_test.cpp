#include "decide/app_folder.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/manual_clock.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace std::chrono_literals;

namespace {

using Names = AppFolder::Names;

// "a b2": the files a.toml and, as changed for the second time, b.toml.
AppFolder::Files files(const std::string& words) {
  AppFolder::Files result;
  std::string word;
  for (const char c : words + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    if (!word.empty()) {
      base::FileStamp stamp;
      stamp.inode = static_cast<std::uint64_t>(word.front());
      stamp.size = word.size() > 1 ? word.at(1) - '0' : 1;
      result.emplace(word.substr(0, 1), stamp);
    }
    word.clear();
  }
  return result;
}

struct Fixture {
  explicit Fixture(const std::string& in_force) : folder(files(in_force), clock.now()) {}

  // An event, with the look that it leads to.
  AppFolder::Plan change(const std::string& to) {
    folder.notice(clock.now());
    return at(folder.due() - clock.now(), to);
  }
  AppFolder::Plan at(base::Duration later, const std::string& seen) {
    clock.advance(later);
    return folder.look(clock.now(), files(seen));
  }
  void unreadable() {
    CHECK(folder.look(clock.now(), base::Expected<AppFolder::Files>(base::fail("EIO"))).empty());
  }
  void done(const AppFolder::Plan& plan, const AppFolder::Outcome& outcome = {}) {
    folder.done(plan, outcome, clock.now());
  }
  [[nodiscard]] base::Duration wait() const { return folder.due() - clock.now(); }

  test::ManualClock clock;
  AppFolder folder;
};

}  // namespace

TEST_CASE("app folder: what changes is to be applied one second after the last change, new files too") {
  Fixture f("a b");
  CHECK(f.wait() == 10s);
  f.clock.advance(5s);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 1s);
  f.clock.advance(900ms);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 1s);
  CHECK(f.at(500ms, "a2 b c").empty());
  const auto plan = f.at(500ms, "a2 b c");
  CHECK(plan.changed == Names{"a", "c"});
  CHECK(plan.gone.empty());
  f.done(plan);
  CHECK(f.at(1s, "a2 b c").empty());
  CHECK(f.wait() == 10s);
}

TEST_CASE("app folder: a change that never ends is applied after half a minute, and never twice a second") {
  Fixture f("a");
  AppFolder::Plan plan;
  base::Duration passed{};
  while (plan.empty() && passed < 60s) {
    f.folder.notice(f.clock.now());
    CHECK(f.wait() <= 1s);
    plan = f.at(500ms, "a2");
    passed += 500ms;
  }
  CHECK(passed == 30s);
  f.done(plan);
  CHECK(f.wait() >= 1s);
}

TEST_CASE("app folder: a lost event is made up for by the next look") {
  Fixture f("a");
  CHECK(f.at(10s, "a2").empty());
  CHECK(f.wait() == 1s);
  CHECK(f.at(1s, "a2").changed == Names{"a"});
}

TEST_CASE("app folder: a file has to be gone for ten seconds") {
  Fixture f("a b c");
  CHECK(f.change("a b").empty());
  CHECK(f.folder.trouble().empty());
  CHECK(f.wait() == 9s);
  CHECK(f.at(8s, "a b").empty());
  const auto plan = f.at(1s, "a b");
  CHECK(plan.gone == Names{"c"});
  CHECK(plan.missing == Names{"c"});
  f.done(plan);
  CHECK(f.at(1s, "a b").empty());
  // It is a new one when it comes back.
  CHECK(f.change("a b c").changed == Names{"c"});
}

TEST_CASE("app folder: a file that comes back in time was never gone") {
  Fixture f("a b c");
  CHECK(f.change("a b").empty());
  CHECK(f.at(5s, "a b c").empty());
  CHECK(f.at(1s, "a b c").empty());
  CHECK(f.at(20s, "a b c").empty());
  // And its time begins anew.
  CHECK(f.change("a b").empty());
  CHECK(f.wait() == 9s);
}

TEST_CASE("app folder: a loss that is more than half removes nothing until all is back or removed") {
  struct Case {
    const char* before;
    const char* after;
    bool accident;
  };
  for (const Case& one : std::vector<Case>{{"a b c d", "a", true},
                                           {"a b c d", "a b", false},
                                           {"a b", "a", false},
                                           {"a b", "", true},
                                           {"a", "", true},
                                           {"a b c", "", true},
                                           {"a b c", "c", true}}) {
    INFO(one.before << " -> " << one.after);
    Fixture f(one.before);
    CHECK(f.change(one.after).empty());
    CHECK(f.folder.trouble().empty() != one.accident);
    const auto plan = f.at(10s, one.after);
    CHECK(plan.gone.empty() == one.accident);
    if (!one.accident) continue;
    CHECK(f.at(1h, one.after).empty());
    CHECK(f.change(one.before).empty());
    CHECK(f.folder.trouble().empty());
  }
}

TEST_CASE("app folder: after an accident even a further loss removes nothing, and changes are applied") {
  Fixture f("a b c d");
  CHECK(f.change("d").empty());
  CHECK(f.folder.trouble().starts_with("lost a, b, c at once"));
  CHECK(f.change("b c d2").changed == Names{"d"});
  f.done({.changed = {"d"}});
  CHECK(f.at(20s, "b c d2").empty());
  CHECK(f.folder.trouble().starts_with("lost a at once"));
  CHECK(f.at(20s, "a b c d2").empty());
  CHECK(f.folder.trouble().empty());
}

TEST_CASE("app folder: a reload keeps what was lost in mind unless it removes it") {
  Fixture f("a b");
  CHECK(f.change("").empty());
  CHECK(f.folder.trouble() ==
        "is empty, but had a, b; nothing is removed until they are back, unless by gvctl reload --remove");
  f.folder.reloaded({}, false, f.clock.now());
  CHECK(f.folder.trouble().starts_with("is empty"));
  CHECK(f.at(1h, "").empty());
  f.folder.reloaded({}, true, f.clock.now());
  CHECK(f.folder.trouble().empty());
  CHECK(f.at(1h, "").empty());
  CHECK(f.change("a").changed == Names{"a"});
}

TEST_CASE("app folder: of many lost files some are named") {
  Fixture f("a b c d e f g");
  CHECK(f.change("").empty());
  CHECK(f.folder.trouble().starts_with("is empty, but had a, b, c, d, e and 2 more; "));
}

TEST_CASE("app folder: a file that was missing during a reload is removed in its time") {
  Fixture f("a b c");
  CHECK(f.change("a b").empty());
  f.folder.reloaded(files("a b"), false, f.clock.now());
  CHECK(f.at(9s, "a b").gone == Names{"c"});
}

TEST_CASE("app folder: one that cannot be read loses nothing, and begins to count once it can") {
  Fixture f("a b c");
  f.unreadable();
  CHECK(f.folder.trouble() == "cannot be read, and nothing is removed: EIO");
  CHECK(f.wait() == 10s);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 1s);
  f.clock.advance(1h);
  CHECK(f.at(0s, "a b").empty());
  CHECK(f.folder.trouble().empty());
  CHECK(f.at(9s, "a b").empty());
  CHECK(f.at(1s, "a b").gone == Names{"c"});
}

TEST_CASE("app folder: what was refused is tried again with its next change, or another's") {
  Fixture f("a b");
  auto plan = f.change("a2 b");
  CHECK(plan.changed == Names{"a"});
  f.done(plan, {.refused = {"a"}});
  CHECK(f.at(1h, "a2 b").empty());
  plan = f.change("a2 b2");
  CHECK(plan.changed == Names{"a", "b"});
  f.done(plan, {.refused = {"a"}});
  plan = f.change("a3 b2");
  CHECK(plan.changed == Names{"a"});
  f.done(plan);
  // Or when one is gone.
  f.done(f.change("a4 b2"), {.refused = {"a"}});
  CHECK(f.change("a4").empty());
  plan = f.at(9s, "a4");
  CHECK(plan.gone == Names{"b"});
  CHECK(plan.changed == Names{"a"});
}

TEST_CASE("app folder: what is busy is tried again in a second") {
  Fixture f("a b c");
  auto plan = f.change("a2 b c");
  f.done(plan, {.busy = {"a"}});
  CHECK(f.wait() == 1s);
  plan = f.at(1s, "a2 b c");
  CHECK(plan.changed == Names{"a"});
  f.done(plan);
  CHECK(f.change("a2 b").empty());
  plan = f.at(9s, "a2 b");
  CHECK(plan.gone == Names{"c"});
  f.done(plan, {.busy = {"c"}});
  CHECK(f.wait() == 1s);
  CHECK(f.at(1s, "a2 b").gone == Names{"c"});
}

TEST_CASE("app folder: a file whose removal is refused is asked about again, but not at once") {
  Fixture f("a b c");
  CHECK(f.change("a b").empty());
  const auto plan = f.at(9s, "a b");
  f.done(plan, {.refused = {"c"}});
  CHECK(f.wait() == 10s);
  CHECK(f.at(10s, "a b").gone == Names{"c"});
}

TEST_CASE("app folder: a renamed file is no loss once another has its apps") {
  Fixture f("a");
  const auto plan = f.change("b");
  CHECK(plan.changed == Names{"b"});
  CHECK(plan.missing == Names{"a"});
  f.done(plan, {.dropped = {"a"}});
  CHECK(f.at(1h, "b").empty());
  CHECK(f.folder.trouble().empty());
}
