// std::stable_sort without the temporary buffer of libstdc++ 12, which is deprecated in C++23
// and which clang therefore refuses. Thread: any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace gracevisor::base {

// By what `projection` makes of an item, which must have operator<; equal ones keep their order.
template <class Items, class Projection>
void stable_sort(Items& items, Projection projection) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const auto& left = std::invoke(projection, items[a]);
    const auto& right = std::invoke(projection, items[b]);
    return left < right || (!(right < left) && a < b);
  });
  std::vector<typename Items::value_type> sorted;
  sorted.reserve(items.size());
  for (const std::size_t index : order) sorted.push_back(std::move(items[index]));
  std::ranges::move(sorted, items.begin());
}

}  // namespace gracevisor::base
