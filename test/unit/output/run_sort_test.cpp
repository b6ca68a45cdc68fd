#include "output/run_sort.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using gracevisor::output::RunSort;

namespace {

// The places of the keys in order; each step moves no more than `most`.
std::vector<std::size_t> sorted(const std::vector<int>& keys, std::size_t most) {
  RunSort<int> sort;
  for (const int key : keys) sort.add(key);
  while (sort.step(most)) {
  }
  std::vector<std::size_t> places;
  for (const auto& item : sort.items()) {
    CHECK(item.key == keys[item.place]);
    places.push_back(item.place);
  }
  return places;
}

}  // namespace

TEST_CASE("run sort: equal keys keep their order and any step is small enough") {
  CHECK(sorted({}, 1).empty());
  CHECK(sorted({1, 2, 2, 3}, 1) == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(sorted({2, 1, 2, 1}, 1) == std::vector<std::size_t>{1, 3, 0, 2});
  CHECK(sorted({3, 2, 1}, 1) == std::vector<std::size_t>{2, 1, 0});
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  for (const std::size_t size : {5U, 64U, 1000U}) {
    std::vector<int> keys(size);
    for (int& key : keys) key = static_cast<int>(random() % (size / 2));
    std::vector<std::size_t> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = i;
    std::ranges::sort(expected, [&](std::size_t a, std::size_t b) {
      return std::pair(keys[a], a) < std::pair(keys[b], b);
    });
    for (const std::size_t most : {1U, 7U, 10'000U}) CHECK(sorted(keys, most) == expected);
  }
}

TEST_CASE("run sort: what is in order already takes no step") {
  RunSort<int> sort;
  for (int i = 0; i < 100; ++i) sort.add(i / 2);
  CHECK_FALSE(sort.step(0));
  sort.add(7);
  CHECK(sort.step(0));
}
