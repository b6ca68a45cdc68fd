// Files of the folder of apps that no longer have all of their apps.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "folder_fixture.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace gracevisor::test;
using namespace std::chrono_literals;

TEST_CASE("app folder: a file that lost apps may lose them once it has not changed for ten seconds") {
  FolderFixture f("a b c");
  auto plan = f.change("a2 b c");
  CHECK(plan.changed == AppNames{"a"});
  CHECK(plan.shrunk.empty());
  f.done(plan, {.shrunk = {"a"}});
  CHECK(f.folder.trouble().empty());
  CHECK(f.wait() == 9s);
  // Another change does not help it, and its own lets it begin anew.
  plan = f.change("a2 b2 c");
  CHECK(plan.changed == AppNames{"a", "b"});
  CHECK(plan.shrunk.empty());
  f.done(plan, {.shrunk = {"a"}});
  plan = f.change("a3 b2 c");
  CHECK(plan.changed == AppNames{"a"});
  CHECK(plan.shrunk.empty());
  f.done(plan, {.shrunk = {"a"}});
  CHECK(f.wait() == 9s);
  CHECK(f.at(8s, "a3 b2 c").empty());
  plan = f.at(1s, "a3 b2 c");
  CHECK(plan.changed == AppNames{"a"});
  CHECK(plan.shrunk == AppNames{"a"});
  CHECK(plan.gone.empty());
  f.done(plan, {.busy = {"a"}});
  plan = f.at(1s, "a3 b2 c");
  f.done(plan);
  CHECK(f.at(1h, "a3 b2 c").empty());
}

TEST_CASE("app folder: a file that may lose apps but is refused is not asked about again") {
  FolderFixture f("a b c");
  f.done(f.change("a2 b c"), {.shrunk = {"a"}});
  const auto plan = f.at(9s, "a2 b c");
  CHECK(plan.shrunk == AppNames{"a"});
  f.done(plan, {.refused = {"a"}});
  CHECK(f.at(1h, "a2 b c").empty());
  CHECK(f.change("a2 b c2").changed == AppNames{"a", "c"});
}

TEST_CASE("app folder: a file that lost all of its apps never may") {
  FolderFixture f("a b c");
  f.done(f.change("a2 b c"), {.refused = {"a"}, .emptied = {"a"}});
  CHECK(f.at(1h, "a2 b c").empty());
  CHECK(f.folder.trouble().empty());
  CHECK(f.change("a3 b c").changed == AppNames{"a"});
}

TEST_CASE("app folder: files that lost apps count as lost ones") {
  struct Case {
    const char* before;
    const char* after;
    AppNames shrunk;
    AppNames emptied;
    const char* trouble;
  };
  for (const Case& one : std::vector<Case>{
           {"a", "a2", {"a"}, {}, "lost apps of more than half of its files at once: a; nothing is removed"},
           {"a b", "a2 b", {"a"}, {}, ""},
           {"a b", "a2 b2", {"a", "b"}, {}, "lost apps of more than half of its files at once: a, b;"},
           {"a b c d", "a2 b2 c", {"a"}, {"b"}, "lost apps of more than half of its files at once: a, d;"},
           {"a b c d", "a2 b2 c2", {}, {"a", "b"}, "lost d at once"},
           {"a b c d", "a2 b2 c2 d", {}, {"a", "b", "c"}, ""},  // nothing is to be removed
           {"a b c d", "a2 b c", {"a"}, {}, ""}}) {
    INFO(one.before << " -> " << one.after);
    FolderFixture f(one.before);
    AppFolder::Outcome outcome{.refused = one.emptied, .shrunk = one.shrunk, .emptied = one.emptied};
    f.done(f.change(one.after), outcome);
    const std::string trouble = one.trouble;
    const bool is_accident = !trouble.empty();
    auto plan = f.at(9s, one.after);
    CHECK(f.folder.trouble().starts_with(trouble));
    CHECK(f.folder.trouble().empty() != is_accident);
    CHECK(plan.empty() == (is_accident || one.shrunk.empty()));
    if (!is_accident) continue;
    CHECK(f.at(1h, one.after).empty());
    f.folder.reloaded(files(one.after), true, f.clock.now());
    CHECK(f.folder.trouble().empty());
    CHECK(f.at(1h, one.after).empty());
  }
}

TEST_CASE("app folder: what was lost by accident has to come back, or be applied") {
  FolderFixture f("a b");
  f.done(f.change("a2"), {.shrunk = {"a"}});
  CHECK(f.at(1s, "a2").empty());
  CHECK(f.folder.trouble().starts_with("lost apps of more than half of its files at once: a, b;"));
  // Even while it is being written.
  CHECK(f.at(1s, "a3").empty());
  CHECK(f.folder.trouble().starts_with("lost apps of more than half of its files at once: a, b;"));
  const auto plan = f.at(1s, "a3");
  CHECK(plan.changed == AppNames{"a"});
  CHECK(plan.shrunk.empty());
  f.done(plan);
  CHECK(f.folder.trouble().starts_with("lost b at once"));
  CHECK(f.at(1h, "a3").empty());
  CHECK(f.at(1h, "a3 b").empty());
  CHECK(f.folder.trouble().empty());
}

TEST_CASE("app folder: after a reload that did not remove what files lost, they are looked at again") {
  FolderFixture f("a b c");
  f.done(f.change("a2 b c"), {.shrunk = {"a"}});
  auto without_stamp = files("a2 b c");
  without_stamp["a"] = {};
  f.folder.reloaded(without_stamp, false, f.clock.now());
  CHECK(f.wait() == 1s);
  CHECK(f.at(1s, "a2 b c").empty());
  CHECK(f.at(1s, "a2 b c").changed == AppNames{"a"});
}
