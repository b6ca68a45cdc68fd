#include "base/age.h"

#include <doctest/doctest.h>

namespace gracevisor::base {
namespace {

TEST_CASE("age: only the largest unit") {
  CHECK(age(59) == "59 s");
  CHECK(age(179) == "2 min");
  CHECK(age(7260) == "2 h");
  CHECK(tight_age(7260) == "2h");
  CHECK(tight_age(200000) == "2d");
}

}  // namespace
}  // namespace gracevisor::base
