#include "supervise/output_tail.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace gracevisor::process;
using namespace gracevisor::supervise;

namespace {

using WallTime = OutputTail::WallTime;
constexpr OutputStream kOut = OutputStream::out;
constexpr OutputStream kErr = OutputStream::err;

WallTime at(int seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

struct Fixture {
  std::vector<OutputLine> handed_on;
  OutputTail tail{"43.1", [this](const OutputLine& line) { handed_on.push_back(line); }};

  std::vector<std::string> texts() const {
    std::vector<std::string> result;
    result.reserve(handed_on.size());
    for (const auto& line : handed_on) result.push_back(line.text + (line.partial ? "~" : ""));
    return result;
  }
};

std::vector<std::string> texts_of(const std::vector<const OutputLine*>& lines) {
  std::vector<std::string> result;
  result.reserve(lines.size());
  for (const auto* line : lines) result.push_back(line->text);
  return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "output tail: bytes become lines with time, stream and instance") {
  tail.add(kOut, "one\ntwo\n", at(1));
  tail.add(kErr, "oops\n", at(2));
  CHECK(texts() == Texts{"one", "two", "oops"});
  CHECK(handed_on[0].time == at(1));
  CHECK(handed_on[2].time == at(2));
  CHECK(handed_on[0].stream == kOut);
  CHECK(handed_on[2].stream == kErr);
  CHECK(handed_on[0].instance == "43.1");
}

TEST_CASE_FIXTURE(Fixture, "output tail: a line is the same however its bytes are split") {
  std::string bytes = "first\n\nthird line\n";
  for (char c : bytes) tail.add(kOut, std::string_view(&c, 1), at(1));
  CHECK(texts() == Texts{"first", "", "third line"});
}

TEST_CASE_FIXTURE(Fixture, "output tail: the streams do not mix within a line") {
  tail.add(kOut, "half of ", at(1));
  tail.add(kErr, "an error\n", at(1));
  tail.add(kOut, "a line\n", at(2));
  CHECK(texts() == Texts{"an error", "half of a line"});
}

TEST_CASE_FIXTURE(Fixture, "output tail: an unfinished line waits and is partial when flushed") {
  tail.add(kOut, "prompt> ", at(1));
  tail.add(kErr, "x", at(1));
  CHECK(handed_on.empty());
  CHECK(tail.has_unfinished());
  tail.flush(at(3));
  CHECK(texts() == Texts{"prompt> ~", "x~"});
  CHECK(handed_on[0].time == at(3));
  CHECK_FALSE(tail.has_unfinished());
  tail.flush(at(4));
  CHECK(handed_on.size() == 2);
  tail.add(kOut, "rest\n", at(5));
  CHECK(texts().back() == "rest");
}

TEST_CASE_FIXTURE(Fixture, "output tail: what comes after an end is another line") {
  tail.add(kOut, "panic", at(1));
  tail.add(kErr, "pro", at(1));
  tail.end_lines(at(2));
  CHECK(texts() == Texts{"panic", "pro"});
  // A part that was handed on before, behind a line of the other stream.
  tail.add(kErr, "first", at(3));
  tail.flush(at(4));
  tail.add(kOut, "other\n", at(4));
  tail.end_lines(at(5));
  CHECK(texts().size() == 4);
  for (const OutputLine* line : tail.last(4)) CHECK_FALSE(line->partial);
}

TEST_CASE_FIXTURE(Fixture, "output tail: bytes that are no text stay as they were written") {
  std::string raw("a\0b\xff\xfe\r", 6);
  tail.add(kOut, raw + "\n", at(1));
  REQUIRE(handed_on.size() == 1);
  CHECK(handed_on[0].text == raw);
}

TEST_CASE_FIXTURE(Fixture, "output tail: a line of exactly 64 KiB is whole, a longer one is cut into parts") {
  std::string full(OutputTail::kMaxLine, 'x');
  tail.add(kOut, full, at(1));
  CHECK(handed_on.empty());
  tail.add(kOut, "\n", at(1));
  REQUIRE(handed_on.size() == 1);
  CHECK(handed_on[0].text == full);
  CHECK_FALSE(handed_on[0].partial);

  tail.add(kOut, full + full + "yz\nnext\n", at(1));
  REQUIRE(handed_on.size() == 5);
  CHECK(handed_on[1].text == full);
  CHECK(handed_on[1].partial);
  CHECK(handed_on[2].partial);
  CHECK(handed_on[3].text == "yz");
  CHECK_FALSE(handed_on[3].partial);
  CHECK(handed_on[4].text == "next");
}

TEST_CASE_FIXTURE(Fixture, "output tail: the newest lines are kept, oldest first") {
  for (int i = 1; i <= 10; ++i) tail.add(kOut, "line " + std::to_string(i) + "\n", at(i));
  CHECK(texts_of(tail.last(3)) == Texts{"line 8", "line 9", "line 10"});
  CHECK(tail.last(0).empty());
  CHECK(tail.last(99).size() == 10);
}

TEST_CASE_FIXTURE(Fixture, "output tail: nothing written, nothing to show") {
  CHECK(tail.last(5).empty());
}

TEST_CASE("output tail: memory is bounded, also by empty lines") {
  std::uint64_t handed_on = 0;
  OutputTail tail("1.1", [&](const OutputLine&) { ++handed_on; });
  std::string newlines(65536, '\n');
  for (int i = 0; i < 4; ++i) tail.add(kOut, newlines, at(1));
  CHECK(handed_on == 4 * 65536);
  CHECK(tail.last(1000000).size() == OutputTail::kKept / OutputTail::kPerLine);
  tail.add(kOut, std::string(60000, 'x') + "\n", at(2));
  std::size_t bytes = 0;
  for (const auto* line : tail.last(1000000)) bytes += line->text.size() + OutputTail::kPerLine;
  CHECK(bytes <= OutputTail::kKept);
  CHECK(bytes > OutputTail::kKept - OutputTail::kPerLine);
}

TEST_CASE("output tail: it works without anyone to hand lines on to") {
  OutputTail tail("1.1", {});
  tail.add(kOut, "one\n", at(1));
  CHECK(texts_of(tail.last(1)) == Texts{"one"});
}
