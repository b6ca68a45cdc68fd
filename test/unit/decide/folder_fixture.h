// A folder of apps as its decider sees it, with a clock by hand.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "decide/app_folder.h"
#include "support/manual_clock.h"

namespace gracevisor::test {

using AppNames = decide::AppFolder::Names;

// "a b2": the files a.toml and, as changed for the second time, b.toml.
inline decide::AppFolder::Files files(const std::string& words) {
  decide::AppFolder::Files result;
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

struct FolderFixture {
  explicit FolderFixture(const std::string& in_force) : folder(files(in_force), clock.now()) {}

  // An event, some time after the last look, with the two looks that it leads to.
  decide::AppFolder::Plan change(const std::string& to) {
    clock.advance(decide::AppFolder::kSettle);
    folder.notice(clock.now());
    CHECK(at(wait(), to).empty());
    return at(decide::AppFolder::kSettle, to);
  }
  decide::AppFolder::Plan at(base::Duration later, const std::string& seen) {
    clock.advance(later);
    return folder.look(clock.now(), files(seen));
  }
  void unreadable() {
    CHECK(folder.look(clock.now(), base::Expected<decide::AppFolder::Files>(base::fail("EIO"))).empty());
  }
  void done(const decide::AppFolder::Plan& plan, const decide::AppFolder::Outcome& outcome = {}) {
    folder.done(plan, outcome, clock.now());
  }
  [[nodiscard]] base::Duration wait() const { return folder.due() - clock.now(); }

  gracevisor::test::ManualClock clock;
  decide::AppFolder folder;
};

}  // namespace gracevisor::test
