// History and memory as one sequence, by table.
#include "output/log_merge.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

using namespace gracevisor;
using namespace gracevisor::output;

namespace {

base::WallTime moment(int ms) {
  return base::WallTime(std::chrono::milliseconds(1'700'000'000'000 + ms));
}

// "text": a plain line; "12:4.1:text": a record of out; "12:4.1!text" of err; a "+" at its end: it goes on;
// a "*": it is shortened.
FileLine line(std::string text) {
  FileLine made;
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    made.text = text;
    return made;
  }
  made.time = moment(std::stoi(text));
  const auto end = text.find_first_of(":!", colon + 1);
  made.instance = text.substr(colon + 1, end - colon - 1);
  made.stream = text[end] == ':' ? LogStream::out : LogStream::err;
  made.text = text.substr(end + 1);
  made.goes_on = made.text.ends_with('+');
  made.shortened = made.text.ends_with('*');
  if (made.goes_on || made.shortened) made.text.pop_back();
  return made;
}

std::vector<FileLine> lines(const std::string& text) {
  std::vector<FileLine> all;
  std::istringstream in(text);
  for (std::string one; in >> one;) all.push_back(line(one));
  return all;
}

std::string shown(const std::vector<MergedLine>& merged) {
  std::string text;
  for (const MergedLine& one : merged) {
    if (one.line.time) {
      const auto ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(*one.line.time - moment(0)).count();
      text += std::to_string(ms) + ":" + one.line.instance + (one.line.stream == LogStream::err ? "!" : ":");
    }
    text += one.line.text + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("log merge: what the file and memory have in common is shown once, as memory knows it") {
  struct Row {
    const char* name;
    const char* file;
    const char* kept;
    const char* merged;
  };
  for (const Row& row : {
           Row{"nothing", "", "", ""},
           Row{"only a file", "a b", "", "a b "},
           Row{"only memory", "", "1:1.1:a 2:1.1:b", "1:1.1:a 2:1.1:b "},
           Row{"history before memory", "old a b", "1:1.1:a 2:1.1:b", "old 1:1.1:a 2:1.1:b "},
           Row{"two instances in one file", "old a x b", "1:1.1:a 2:1.2:x 3:1.1:b",
               "old 1:1.1:a 2:1.2:x 3:1.1:b "},
           Row{"memory lost lines of one instance", "a x y b", "1:1.1:a 4:1.1:b", "1:1.1:a x y 4:1.1:b "},
           Row{"memory has what is not written yet", "a", "1:1.1:a 2:1.1:b", "1:1.1:a 2:1.1:b "},
           Row{"nothing of it was written", "old", "1:1.1:a 2:1.1:b", "old 1:1.1:a 2:1.1:b "},
           Row{"equal lines: the newest are the ones in memory", "t t t t", "5:1.1:t 6:1.1:t",
               "t t 5:1.1:t 6:1.1:t "},
           Row{"equal lines: memory has more", "t", "5:1.1:t 6:1.1:t", "5:1.1:t 6:1.1:t "},
           Row{"the rotated file was copied and truncated", "old a b c", "1:1.1:a 2:1.1:b 3:1.1:c",
               "old 1:1.1:a 2:1.1:b 3:1.1:c "},
           Row{"what another wrote behind it", "a z", "1:1.1:a", "1:1.1:a z "},
           Row{"records of an earlier daemon", "1:1.1:a 2:1.2:b 9:2.1:c", "9:2.1:c",
               "1:1.1:a 2:1.2:b 9:2.1:c "},
           Row{"records are recognised whatever their millisecond", "8:2.1:c", "9:2.1:c", "9:2.1:c "},
           Row{"a record of another instance is another line", "1:1.1:a", "2:1.2:a", "1:1.1:a 2:1.2:a "},
           Row{"plain lines before records", "x 1:1.1:a y 2:1.1:b", "", "x 1:1.1:a y 2:1.1:b "},
           Row{"records out of order are put into order", "2:1.1:b 1:1.2:a", "", "1:1.2:a 2:1.1:b "},
           Row{"a shortened line ends where it ends", "1:1.1:long* 2:1.1:next 3:1.1:third", "",
               "1:1.1:long 2:1.1:next 3:1.1:third "},
           Row{"bytes that are not UTF-8, from JSON", "1:1.1:a\xef\xbf\xbd", "1:1.1:a\xff", "1:1.1:a\xff "},
       }) {
    CAPTURE(row.name);
    CHECK(shown(merge(lines(row.file), lines(row.kept))) == row.merged);
  }
}

TEST_CASE("log merge: a long line is recognised wherever a character was cut by its limit") {
  for (const std::size_t before : {kMostText - 3, kMostText - 2, kMostText - 1, kMostText}) {
    CAPTURE(before);
    const std::string whole = std::string(before, 'x') + "\xf0\x9f\x98\x80\xff" + std::string(9, 'y');
    FileLine kept = line("1:1.1:");
    kept.text = whole.substr(0, kMostText);
    FileLine file = kept;
    file.text = as_in_json(whole).substr(0, kMostText);
    CHECK(merge({file}, {kept}).size() == 1);
  }
}

TEST_CASE("log merge: a line that came in parts is shown once, however others cut it up in a plain file") {
  struct Row {
    const char* file;
    const char* merged;
  };
  for (const Row& row : {
           Row{"old progress x", "old 1:1.1:progress 2:1.2:x "},
           Row{"old pro x gress", "old 1:1.1:progress 2:1.2:x "},
           Row{"old pro gr x ess", "old 1:1.1:progress 2:1.2:x "},
           Row{"old pr x", "1:1.1:progress old pr 2:1.2:x "},
           Row{"old x", "1:1.1:progress old 2:1.2:x "},
       }) {
    CAPTURE(row.file);
    auto kept = lines("1:1.1:progress 2:1.2:x");
    kept[0].parts = 2;
    CHECK(shown(merge(lines(row.file), kept)) == row.merged);
  }
  // One that came whole is no other lines.
  CHECK(shown(merge(lines("pro gress"), lines("1:1.1:progress"))) == "pro gress 1:1.1:progress ");
}

TEST_CASE("log merge: however much there is, a step is small") {
  constexpr int kLines = 20'000;
  std::vector<FileLine> file;
  std::vector<FileLine> kept;
  for (int i = 0; i < kLines; ++i) {
    FileLine one = line(std::to_string(i) + ":1.1:x");
    one.text += std::to_string(i);
    if (i % 2 == 0) kept.push_back(one);
    if (i % 3 != 0) one = FileLine{{}, {}, LogStream::unknown, one.text};
    file.push_back(one);
  }
  LogMerge merging(file, kept);
  std::size_t steps = 1;
  while (merging.step()) ++steps;
  // Each line is looked at once in each of five phases at least.
  CHECK(steps > 4 * kLines / LogMerge::kStep);
  const auto merged = merging.take();
  REQUIRE(merged.size() == kLines);
  CHECK(shown(merged) == shown(merge(file, kept)));
  CHECK(std::ranges::is_sorted(merged, {}, &MergedLine::order));

  // Of long lines a step looks at fewer.
  file.resize(100);
  for (FileLine& one : file) one.text.assign(kMostText, 'x');
  LogMerge of_long(file, {});
  for (steps = 1; of_long.step();) ++steps;
  CHECK(steps > 100 * kMostText / LogMerge::kStepBytes);
}
