#include "output/log_upkeep.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::output;
using base::OldFile;

namespace {

constexpr std::int64_t kNow = 1'000'000;
const base::WallTime kTime{std::chrono::seconds(kNow)};

// `ago`: seconds since it was written to.
OldFile file(unsigned number, std::uint64_t size, std::int64_t ago, bool compressed = false) {
  return {number, compressed, size, kNow - ago, number + 100};
}
std::string text(const std::vector<LogChores::One>& ones) {
  std::string text;
  for (const auto& [which, old] : ones) {
    text += std::string(1, static_cast<char>('a' + which)) + std::to_string(old.number) +
            (old.compressed ? "z " : " ");
  }
  return text;
}

struct Row {
  const char* what;
  base::Millis max_age;
  std::uint64_t total;
  bool compress;
  std::vector<std::vector<OldFile>> lists;
  std::string removed;
  std::string compressed;
};

}  // namespace

TEST_CASE("log upkeep: what goes and what is compressed") {
  const base::Millis minute = std::chrono::minutes(1);
  const base::Millis none{0};
  const std::vector<Row> rows = {
      {"no limit", none, 0, false, {{file(0, 9, 0), file(1, 9, 99)}}, "", ""},
      {"too old ones, from the end",
       minute,
       0,
       false,
       {{file(0, 9, 99), file(1, 9, 60), file(2, 9, 61), file(3, 9, 99)}},
       "a3 a2 ",
       ""},
      {"one whose time is wrong makes no gap", minute, 0, false, {{file(1, 9, 99), file(2, 9, 5)}}, "", ""},
      {"compressed ones too", minute, 0, false, {{file(2, 9, 99, true), file(1, 9, 5, true)}}, "a2z ", ""},
      {"the current file never goes", minute, 1, false, {{file(0, 999, 999)}}, "", ""},
      {"the oldest of all files goes first",
       none,
       30,
       false,
       {{file(0, 10, 0), file(1, 10, 10), file(2, 10, 40)},
        {file(0, 5, 0), file(1, 10, 20), file(2, 10, 30)}},
       "a2 b2 b1 ",
       ""},
      {"as many as are needed",
       none,
       30,
       false,
       {{file(0, 10, 0), file(1, 20, 1), file(2, 1, 2)}},
       "a2 ",
       ""},
      {"exactly so much may stay",
       none,
       31,
       false,
       {{file(0, 10, 0), file(1, 20, 1), file(2, 1, 2)}},
       "",
       ""},
      {"the sum is no surprise", none, 1, false, {{file(1, ~std::uint64_t{0}, 5)}, {}}, "a1 ", ""},
      {"the oldest is compressed first",
       none,
       0,
       true,
       {{file(0, 9, 0), file(1, 9, 10), file(2, 9, 30), file(3, 9, 40, true), file(4, 0, 50)},
        {file(1, 9, 20)}},
       "",
       "a2 b1 a1 "},
      {"what goes is not compressed", minute, 0, true, {{file(1, 9, 10), file(2, 9, 99)}}, "a2 ", "a1 "},
      {"what was interrupted is done again",
       none,
       0,
       true,
       {{file(1, 9, 10, true), file(1, 9, 10)}},
       "a1z ",
       "a1 "},
      {"and else it stays", none, 100, false, {{file(1, 9, 10), file(1, 9, 10, true)}}, "a1z ", ""},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const LogUpkeep upkeep{"web", {}, row.max_age, row.total, row.compress};
    const LogChores chores = chores_of(upkeep, row.lists, kTime);
    CHECK(text(chores.remove) == row.removed);
    CHECK(text(chores.compress) == row.compressed);
  }
}

TEST_CASE("log upkeep: what has no old files is not looked after, and nothing twice") {
  LogUpkeep upkeep;
  FilePolicy policy;
  upkeep.add(policy);
  policy.path = "/dev/stdout";
  upkeep.add(policy);
  policy.path = "/run/log.sock";
  policy.sink = SinkKind::syslog;
  upkeep.add(policy);
  CHECK(upkeep.files.empty());
  policy = {};
  policy.path = "/l/web.log";
  upkeep.add(policy);
  upkeep.add(policy);
  CHECK(upkeep.files.size() == 1);
}
