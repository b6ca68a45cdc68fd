#include "base/rfc3339.h"

#include <doctest/doctest.h>

using namespace gracevisor::base;
using namespace std::chrono;

TEST_CASE("rfc3339: what is written reads back to the millisecond") {
  for (const std::int64_t ms : {0LL, 1LL, 951782400999LL, 1792000000123LL, 4102444799999LL}) {
    const WallTime when{milliseconds(ms)};
    CHECK(parse_rfc3339(rfc3339(when)) == when);
  }
  CHECK(rfc3339(WallTime{milliseconds(951782400007)}) == "2000-02-29T00:00:00.007Z");
}

TEST_CASE("rfc3339: offsets and digits of a second") {
  const WallTime when = sys_days(2026y / 11 / 29) + 19h + 1min + 2s;
  CHECK(parse_rfc3339("2026-11-29T19:01:02Z") == when);
  CHECK(parse_rfc3339("2026-11-29T20:01:02+01:00") == when);
  CHECK(parse_rfc3339("2026-11-29T20:01:02.5+0100") == when + 500ms);
  CHECK(parse_rfc3339("2026-11-29T13:31:02-05:30") == when);
  CHECK(parse_rfc3339("2026-11-29T19:01:02.123456789Z") == when + 123ms);
}

TEST_CASE("rfc3339: everything else is refused") {
  for (const char* wrong :
       {"", "2026", "2026-11-29", "2026-11-29T19:01", "2026-11-29T19:01:02", "2026-11-29 19:01:02Z",
        "2026-02-30T19:01:02Z", "2026-13-01T19:01:02Z", "2026-11-29T24:01:02Z", "2026-11-29T19:60:02Z",
        "2026-11-29T19:01:60Z", "2026-11-29T19:01:02.Z", "2026-11-29T19:01:02Zx", "2026-11-29T19:01:02+1",
        "9999-11-29T19:01:02Z", "1969-11-29T19:01:02Z", "2026-11-29T19:01:02+24:00",
        "+026-11-29T19:01:02Z"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_rfc3339(wrong).has_value());
  }
}

TEST_CASE("common time: what is written reads back to the second") {
  const WallTime when = sys_days(2026y / 10 / 10) + 13h + 55min + 36s;
  std::string text;
  append_common_time(when, text);
  CHECK(text == "10/Oct/2026:13:55:36 +0000");
  CHECK(parse_common_time(text) == when);
  CHECK(parse_common_time("10/Oct/2026:15:55:36 +0200") == when);
  for (const char* wrong :
       {"", "10/Okt/2026:13:55:36 +0000", "10/Oct/2026:13:55:36", "10/Oct/2026:13:55:36 +0000]"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_common_time(wrong).has_value());
  }
}
