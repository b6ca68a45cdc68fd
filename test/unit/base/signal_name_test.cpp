#include "base/signal_name.h"

#include <doctest/doctest.h>

#include <csignal>

using namespace gracevisor::base;

TEST_CASE("signal names: by name with or without SIG, in any case, or by number") {
  for (const char* text : {"HUP", "SIGHUP", "hup", "sighup", "1"}) {
    CAPTURE(text);
    REQUIRE(signal_number(text).has_value());
    CHECK(*signal_number(text) == SIGHUP);
  }
  CHECK(*signal_number("KILL") == SIGKILL);
  CHECK(*signal_number("64") == 64);
  CHECK(signal_name(SIGTERM) == "TERM");
  CHECK(signal_name(40) == "40");
  for (int number = 1; number <= 31; ++number) CHECK(*signal_number(signal_name(number)) == number);
}

TEST_CASE("signal names: what names none is refused with what may have been meant") {
  for (const char* text : {"", "0", "-1", "65", "999999999999", "SIG", "FOO", "1x", " 1",
                           "HUPHUPHUPHUPHUPHUPHUPHUPHUPHUP", "SIGHUP\x01"}) {
    CAPTURE(text);
    CHECK_FALSE(signal_number(text).has_value());
  }
  CHECK(signal_number("TREM").error().what.find("did you mean \"TERM\"?") != std::string::npos);
}
