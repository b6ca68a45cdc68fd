#include "base/one_line.h"

#include <doctest/doctest.h>

#include <string>

namespace gracevisor::base {
namespace {

TEST_CASE("one line: foreign text cannot end its line or its quotes, nor command a terminal") {
  CHECK(one_line("plain text", 100) == "plain text");
  CHECK(one_line("  a\r\n\tb\x01 c  ", 100) == "a b c");
  CHECK(one_line("say \"x\"", 100) == "say 'x'");
  CHECK(one_line("\x1b[31mred", 100) == "[31mred");
  CHECK(one_line(std::string_view("a\0b\x7f", 4), 100) == "a b");
  CHECK(one_line("", 100).empty());
  CHECK(one_line(" \n ", 100).empty());
}

TEST_CASE("one line: UTF-8 passes, and other bytes do not") {
  CHECK(one_line("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 100) ==
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(one_line("a\xff"
                 "b",
                 100) == "a?b");
  CHECK(one_line("\xc2\x9b"
                 "31m",
                 100) == "??31m");                // a C1 control
  CHECK(one_line("\xc0\xaf", 100) == "??");       // overlong
  CHECK(one_line("\xed\xa0\x80", 100) == "???");  // a surrogate
  CHECK(one_line("\xe2\x82", 100) == "??");       // cut off
}

TEST_CASE("quotable: double quotes become single ones, escaped or not") {
  CHECK(quotable("plain") == "plain");
  CHECK(quotable(R"(unknown key "x" in "{\"a\"}")") == "unknown key 'x' in '{'a'}'");
  CHECK(quotable(R"(a \ b)") == R"(a \ b)");
}

TEST_CASE("one line: what is too long is cut between characters, and says so") {
  CHECK(one_line("abcdef", 6) == "abcdef");
  CHECK(one_line("abcdef", 5) == "abcde...");
  CHECK(one_line("abc\xc3\xa9", 4) == "abc...");
  CHECK(one_line("abc def", 3) == "abc...");
  CHECK(one_line("abc   ", 3) == "abc");
}

}  // namespace
}  // namespace gracevisor::base
