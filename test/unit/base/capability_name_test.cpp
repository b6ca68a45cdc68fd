#include "base/capability_name.h"

#include <doctest/doctest.h>
#include <linux/capability.h>

namespace gracevisor::base {

TEST_CASE("capability: names and numbers are the kernel's") {
  CHECK(capability_name(CAP_CHOWN) == "CAP_CHOWN");
  CHECK(capability_name(CAP_SYS_RESOURCE) == "CAP_SYS_RESOURCE");
  CHECK(capability_name(63) == "capability 63");
  CHECK(capability_name(-1) == "capability -1");
  for (int number = 0; number <= CAP_LAST_CAP; ++number) {
    CAPTURE(number);
    CHECK(capability_number(capability_name(number)) == number);
  }
  CHECK(capability_number("net_bind_service") == CAP_NET_BIND_SERVICE);
  CHECK(capability_number("Cap_Kill") == CAP_KILL);
}

TEST_CASE("capability: what is none is refused with the nearest, and no more of it than fits a line") {
  for (const char* text : {"", "CAP_", "CAP_CAP_KILL", "KILL ", "5"}) {
    CAPTURE(text);
    CHECK_FALSE(capability_number(text).has_value());
  }
  CHECK(capability_number("CAP_NET_RAWW").error().what ==
        "unknown capability \"CAP_NET_RAWW\" (did you mean \"NET_RAW\"?)");
  CHECK(capability_number("\x1b[2J\"\n").error().what == "unknown capability \"[2J'\"");
  CHECK(capability_number("KILL" + std::string(1000, 'x')).error().what.size() < 100);
}

}  // namespace gracevisor::base
