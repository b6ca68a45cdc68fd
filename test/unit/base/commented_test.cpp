#include "base/commented.h"

#include <doctest/doctest.h>

#include <string>

namespace gracevisor::base {
namespace {

TEST_CASE("comments: they begin in one column, except behind what is too long for it") {
  const std::string wide(50, 'w');
  CHECK(in_columns({}) == "");
  CHECK(in_columns({{"", ""}, {"[app.web]", ""}, {"a = 1", "one"}, {"bb = 22", "two"}, {wide, "three"}}) ==
        "\n[app.web]\na = 1    # one\nbb = 22  # two\n" + wide + "  # three\n");
}

}  // namespace
}  // namespace gracevisor::base
