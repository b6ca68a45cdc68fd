#include "base/stable_sort.h"

#include <doctest/doctest.h>

#include <string>

using gracevisor::base::stable_sort;

TEST_CASE("stable sort: by the projection, and equal ones keep their order") {
  using Item = std::pair<int, std::string>;
  std::vector<Item> items = {{2, "a"}, {1, "b"}, {2, "c"}, {1, "d"}, {0, "e"}};
  stable_sort(items, &Item::first);
  CHECK(items == std::vector<Item>{{0, "e"}, {1, "b"}, {1, "d"}, {2, "a"}, {2, "c"}});
  std::vector<Item> none;
  stable_sort(none, &Item::first);
  CHECK(none.empty());
}
