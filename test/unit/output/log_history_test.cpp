// Several sources in the order of time, by table.
#include "output/log_history.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::output;

namespace {

using Part = LogHistory::Part;

// Records of one instance, each a character: its time.
std::vector<FileLine> lines(const std::string& text) {
  std::vector<FileLine> all;
  for (const char c : text) {
    all.push_back({base::WallTime(std::chrono::seconds(c)), "1.1", LogStream::out, std::string(1, c)});
  }
  return all;
}

struct Source {
  std::vector<Part> parts;
  std::size_t lines;
};

// "0a1b": line a of the first source, and then b of the second.
std::string shown(const std::vector<Source>& sources) {
  LogHistory history;
  for (std::size_t i = 0; i < sources.size(); ++i) history.add(i, sources[i].parts, sources[i].lines);
  while (history.step()) {
  }
  std::string text;
  while (!history.empty()) {
    const LogHistory::Shown one = history.next();
    text += std::to_string(one.source) + one.line.text;
  }
  return text;
}

}  // namespace

TEST_CASE("log history: all lines in the order of time, and of each source the newest") {
  CHECK(shown({}).empty());
  CHECK(shown({{{}, 5}}).empty());
  CHECK(shown({{{Part{lines("ac"), lines("ce")}}, 5}}) == "0a0c0e");
  CHECK(shown({{{Part{lines("ace"), {}}}, 2}}) == "0c0e");
  CHECK(shown({{{Part{lines("ad"), {}}, Part{lines("be"), lines("f")}}, 3}}) == "0d0e0f");
  CHECK(shown({{{Part{lines("ad"), {}}, Part{lines("be"), {}}}, 0}}).empty());
  CHECK(shown({{{Part{lines("ace"), {}}}, 9}, {{Part{lines("bd"), {}}}, 9}, {{}, 9}}) == "0a1b0c1d0e");
  // What has the same time comes in the order of the sources.
  CHECK(shown({{{Part{lines("bb"), {}}}, 9}, {{Part{lines("ab"), {}}}, 9}}) == "1a0b0b1b");
}

TEST_CASE("log history: letting old lines go takes several steps where they are many") {
  LogHistory history;
  const auto many = lines(std::string(50'000, 'a'));
  history.add(0, {Part{many, {}}, Part{many, {}}}, 3);
  std::size_t steps = 1;
  while (history.step()) ++steps;
  CHECK(steps > 100'000 / LogMerge::kStep);
  int left = 0;
  for (; !history.empty(); ++left) (void)history.next();
  CHECK(left == 3);
}
