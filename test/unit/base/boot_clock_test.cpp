#include "base/boot_clock.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>

using namespace gracevisor;

TEST_CASE("boot clock: it is the machine's uptime, and does not go back") {
  const base::BootTime before = base::boot_time();
  double uptime = 0;
  std::ifstream file("/proc/uptime");
  file >> uptime;
  REQUIRE(file.good());
  const base::BootTime after = base::boot_time();
  const auto seconds = [](base::BootTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
  };
  CHECK(before <= after);
  // The file has hundredths.
  CHECK(uptime >= seconds(before) - 0.01);
  CHECK(uptime <= seconds(after) + 0.01);
}
