#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "folder_fixture.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("app folder: what changes is to be applied one second after the last change, new files too") {
  FolderFixture f("a b");
  CHECK(f.wait() == 10s);
  f.clock.advance(5s);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 0s);
  CHECK(f.at(0s, "a2 b c").empty());
  CHECK(f.wait() == 1s);
  f.clock.advance(900ms);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 100ms);
  CHECK(f.at(100ms, "a3 b c2").empty());
  CHECK(f.wait() == 1s);
  CHECK(f.at(900ms, "a3 b c2").empty());
  const auto plan = f.at(100ms, "a3 b c2");
  CHECK(plan.changed == AppNames{"a", "c"});
  CHECK(plan.stamps == files("a3 c2"));
  CHECK(plan.gone.empty());
  f.done(plan);
  CHECK(f.at(1s, "a3 b c2").empty());
  CHECK(f.wait() == 10s);
}

TEST_CASE("app folder: a file that never settles is told after half a minute, and never applied") {
  FolderFixture f("a b");
  bool is_odd = false;
  for (base::Duration passed{}; passed < 60s; passed += 1s) {
    f.folder.notice(f.clock.now());
    CHECK(f.wait() == 1s);
    is_odd = !is_odd;
    CHECK(f.at(1s, is_odd ? "a2 b" : "a3 b").empty());
    CHECK(f.folder.restless() == (passed < 30s ? AppNames() : AppNames{"a"}));
  }
  CHECK(f.at(1s, "a3 b").changed == AppNames{"a"});
  CHECK(f.folder.restless().empty());
}

TEST_CASE("app folder: events alone postpone nothing") {
  FolderFixture f("a");
  f.clock.advance(1s);
  CHECK(f.at(0s, "a2").empty());
  for (int i = 0; i < 5; ++i) {
    f.folder.notice(f.clock.now());
    CHECK(f.wait() == 1s - i * 200ms);
    f.clock.advance(200ms);
  }
  CHECK(f.at(0s, "a2").changed == AppNames{"a"});
}

TEST_CASE("app folder: what has settled waits a little for the others, and no longer") {
  FolderFixture f("a b");
  CHECK(f.at(1s, "a2 b2").empty());
  CHECK(f.at(1s, "a2 b3").empty());
  CHECK(f.at(1s, "a2 b3").changed == AppNames{"a", "b"});
  FolderFixture g("a b");
  CHECK(g.at(1s, "a2 b2").empty());
  for (int i = 3; i < 7; ++i) CHECK(g.at(1s, "a2 b" + std::to_string(i)).empty());
  const auto plan = g.at(1s, "a2 b7");
  CHECK(plan.changed == AppNames{"a"});
  g.done(plan);
  CHECK(g.at(1s, "a2 b7").changed == AppNames{"b"});
}

TEST_CASE("app folder: a file that never settles keeps others from being removed for half a minute") {
  FolderFixture f("a b c");
  AppFolder::Plan plan;
  base::Duration passed{};
  for (bool is_odd = false; plan.empty() && passed < 60s; passed += 1s) {
    is_odd = !is_odd;
    plan = f.at(1s, is_odd ? "a2 b" : "a3 b");
  }
  CHECK(passed == 31s);  // it is missed by the first look
  CHECK(plan.gone == AppNames{"c"});
  CHECK(plan.changed.empty());
  // But no accident is overlooked for that.
  FolderFixture g("a b c");
  for (int i = 0; i < 60; ++i) CHECK(g.at(1s, i % 2 == 0 ? "a2" : "a3").empty());
  CHECK(g.folder.trouble().starts_with("lost b, c at once"));
}

TEST_CASE("app folder: a lost event is made up for by the next look") {
  FolderFixture f("a");
  CHECK(f.at(10s, "a2").empty());
  CHECK(f.wait() == 1s);
  CHECK(f.at(1s, "a2").changed == AppNames{"a"});
}

TEST_CASE("app folder: a file has to be gone for ten seconds") {
  FolderFixture f("a b c");
  CHECK(f.change("a b").empty());
  CHECK(f.folder.trouble().empty());
  CHECK(f.wait() == 9s);
  CHECK(f.at(8s, "a b").empty());
  const auto plan = f.at(1s, "a b");
  CHECK(plan.gone == AppNames{"c"});
  CHECK(plan.missing == AppNames{"c"});
  f.done(plan);
  CHECK(f.at(1s, "a b").empty());
  // It is a new one when it comes back.
  CHECK(f.change("a b c").changed == AppNames{"c"});
}

TEST_CASE("app folder: a file that comes back in time was never gone") {
  FolderFixture f("a b c");
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
    FolderFixture f(one.before);
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
  FolderFixture f("a b c d");
  CHECK(f.change("d").empty());
  CHECK(f.folder.trouble().starts_with("lost a, b, c at once"));
  CHECK(f.change("b c d2").changed == AppNames{"d"});
  f.done({.changed = {"d"}});
  CHECK(f.at(20s, "b c d2").empty());
  CHECK(f.folder.trouble().starts_with("lost a at once"));
  CHECK(f.at(20s, "a b c d2").empty());
  CHECK(f.folder.trouble().empty());
}

TEST_CASE("app folder: a reload keeps what was lost in mind unless it removes it") {
  FolderFixture f("a b");
  CHECK(f.change("").empty());
  CHECK(f.folder.trouble() ==
        "is empty, but had a, b; nothing is removed until they are back, unless by gvctl reload --remove");
  f.folder.reloaded({}, false, f.clock.now());
  CHECK(f.folder.trouble().starts_with("is empty"));
  CHECK(f.at(1h, "").empty());
  f.folder.reloaded({}, true, f.clock.now());
  CHECK(f.folder.trouble().empty());
  CHECK(f.at(1h, "").empty());
  CHECK(f.change("a").changed == AppNames{"a"});
}

TEST_CASE("app folder: of many lost files some are named") {
  FolderFixture f("a b c d e f g");
  CHECK(f.change("").empty());
  CHECK(f.folder.trouble().starts_with("is empty, but had a, b, c, d, e and 2 more; "));
}

TEST_CASE("app folder: a file that was missing during a reload is removed in its time") {
  FolderFixture f("a b c");
  CHECK(f.change("a b").empty());
  f.folder.reloaded(files("a b"), false, f.clock.now());
  CHECK(f.at(9s, "a b").gone == AppNames{"c"});
}

TEST_CASE("app folder: one that cannot be read loses nothing, and begins to count once it can") {
  FolderFixture f("a b c");
  f.unreadable();
  CHECK(f.folder.trouble() == "cannot be read, and nothing is removed: EIO");
  CHECK(f.wait() == 10s);
  f.folder.notice(f.clock.now());
  CHECK(f.wait() == 1s);
  f.clock.advance(1h);
  CHECK(f.at(0s, "a b").empty());
  CHECK(f.folder.trouble().empty());
  CHECK(f.at(9s, "a b").empty());
  CHECK(f.at(1s, "a b").gone == AppNames{"c"});
}

TEST_CASE("app folder: what was refused is tried again with its next change, or another's") {
  FolderFixture f("a b");
  auto plan = f.change("a2 b");
  CHECK(plan.changed == AppNames{"a"});
  f.done(plan, {.refused = {"a"}});
  CHECK(f.at(1h, "a2 b").empty());
  plan = f.change("a2 b2");
  CHECK(plan.changed == AppNames{"a", "b"});
  f.done(plan, {.refused = {"a"}});
  plan = f.change("a3 b2");
  CHECK(plan.changed == AppNames{"a"});
  f.done(plan);
  // Or when one is gone.
  f.done(f.change("a4 b2"), {.refused = {"a"}});
  CHECK(f.change("a4").empty());
  plan = f.at(9s, "a4");
  CHECK(plan.gone == AppNames{"b"});
  CHECK(plan.changed == AppNames{"a"});
}

TEST_CASE("app folder: what is busy is tried again in a second") {
  FolderFixture f("a b c");
  auto plan = f.change("a2 b c");
  f.done(plan, {.busy = {"a"}});
  CHECK(f.wait() == 1s);
  plan = f.at(1s, "a2 b c");
  CHECK(plan.changed == AppNames{"a"});
  f.done(plan);
  CHECK(f.change("a2 b").empty());
  plan = f.at(9s, "a2 b");
  CHECK(plan.gone == AppNames{"c"});
  f.done(plan, {.busy = {"c"}});
  CHECK(f.wait() == 1s);
  CHECK(f.at(1s, "a2 b").gone == AppNames{"c"});
}

TEST_CASE("app folder: a file whose removal is refused is asked about again, but not at once") {
  FolderFixture f("a b c");
  CHECK(f.change("a b").empty());
  const auto plan = f.at(9s, "a b");
  f.done(plan, {.refused = {"c"}});
  CHECK(f.wait() == 10s);
  CHECK(f.at(10s, "a b").gone == AppNames{"c"});
}

TEST_CASE("app folder: a renamed file is no loss once another has its apps") {
  FolderFixture f("a");
  const auto plan = f.change("b");
  CHECK(plan.changed == AppNames{"b"});
  CHECK(plan.missing == AppNames{"a"});
  f.done(plan, {.dropped = {"a"}});
  CHECK(f.at(1h, "b").empty());
  CHECK(f.folder.trouble().empty());
}
