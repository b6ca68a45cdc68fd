#include "gvctl/text.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

using namespace gracevisor::gvctl;

TEST_CASE("text: long numbers are grouped") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(14092) == "14,092");
  CHECK(grouped(123456) == "123,456");
  CHECK(grouped(1234567890) == "1,234,567,890");
}

TEST_CASE("text: ages are told in their largest unit") {
  CHECK(tight_age(0) == "0s");
  CHECK(tight_age(59) == "59s");
  CHECK(tight_age(60) == "1m");
  CHECK(tight_age(7260) == "2h");
  CHECK(tight_age(86400) == "1d");
  CHECK(age(59) == "59 s");
  CHECK(age(720) == "12 min");
  CHECK(age(7200) == "2 h");
  CHECK(age(259200) == "3 d");
}

TEST_CASE("text: sizes have one decimal below ten") {
  CHECK(size(0) == "0B");
  CHECK(size(1023) == "1023B");
  CHECK(size(1536) == "1.5K");
  CHECK(size(10240) == "10K");
  CHECK(size(325058560) == "310M");
  CHECK(size(1181116006) == "1.1G");
  CHECK(size(UINT64_MAX) == "16777216T");
}

TEST_CASE("text: control characters become visible, everything else passes") {
  CHECK(harmless("plain\ttext \xc3\xa9\xe2\x82\xac") == "plain\ttext \xc3\xa9\xe2\x82\xac");
  CHECK(harmless(std::string_view("\0\x1b\x7f\r\n", 5)) == "\\x00\\x1b\\x7f\\x0d\\x0a");
  CHECK(harmless("\xc2\x9b"
                 "2J") ==
        "\\x9b"
        "2J");  // C1: CSI in one character
  CHECK(harmless("\xc2") == "\xc2");
  CHECK(harmless("\x1b[31mred") == "\\x1b[31mred");
}

TEST_CASE("text: of all sequences only colours pass, and they end with the line") {
  CHECK(harmless("\x1b[1;31mred", Colours::pass) == "\x1b[1;31mred\x1b[0m");
  CHECK(harmless("\x1b[m", Colours::pass) == "\x1b[m\x1b[0m");
  CHECK(harmless("\x1b[2J\x1b[?25l\x1b]8;;x\x1b\\", Colours::pass) == "\\x1b[2J\\x1b[?25l\\x1b]8;;x\\x1b\\");
  CHECK(harmless("\x1b[31", Colours::pass) == "\\x1b[31");
}

TEST_CASE("text: a moment is told in the user's time zone, and what is none stays as it is") {
  REQUIRE(::setenv("TZ", "XYZ-02:30", 1) == 0);
  ::tzset();
  CHECK(local_time("2026-11-29T22:45:01Z") == "2026-11-30 01:15:01");
  CHECK(local_time("1970-01-01T00:00:00Z") == "1970-01-01 02:30:00");
  for (const char* none : {"", "yesterday", "2026-11-29", "2026-13-41T00:00:00Z", "\x1b[31m"}) {
    CHECK(local_time(none) == harmless(none));
  }
  REQUIRE(::unsetenv("TZ") == 0);
  ::tzset();
}
