// The visitor that finds the keys in which two structures differ. Thread: any.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "config/key.h"

namespace gracevisor::config {

namespace detail {

// Looks at one structure and then, in the same order, at the other.
class Differ {
 public:
  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& /*codec*/, const M&... members) {
    if (key.compared == Compared::as_resolved) return;
    bool same = true;
    const auto look = [&](std::string_view /*name*/, const auto& value) {
      if (first_) {
        seen_.push_back(&value);
      } else {
        same = equal(value) && same;
      }
    };
    for_each_kept(key, look, members...);
    if (!same) found_.push_back({prefix_ + std::string(key.name), key.takes});
  }
  template <class Codec, class... M>
  void also(const Key& /*key*/, const Codec& /*codec*/, const M&... /*members*/) {}
  template <class Codec, class M, class... C>
  void table(const Key& key, const Codec& /*codec*/, const M& value, const C&... /*context*/) {
    const std::string outer = std::exchange(prefix_, prefix_ + std::string(key.name) + ".");
    keys(*this, value);
    prefix_ = outer;
  }
  void kept(std::string_view /*name*/, const auto& /*member*/) {}

  void look_at_second() { first_ = false; }
  [[nodiscard]] std::vector<Difference> take() { return std::move(found_); }

 private:
  // To the same member of the first structure: the rows come in the same order.
  template <class Member>
  bool equal(const Member& value) {
    return *static_cast<const Member*>(seen_.at(next_++)) == value;
  }

  bool first_ = true;
  std::string prefix_;
  std::vector<const void*> seen_;
  std::size_t next_ = 0;
  std::vector<Difference> found_;
};

}  // namespace detail

// In the order of the table; without the keys that are compared as resolved.
template <class T>
[[nodiscard]] std::vector<Difference> find_differences(const T& from, const T& to) {
  detail::Differ differ;
  keys(differ, from);
  differ.look_at_second();
  keys(differ, to);
  return differ.take();
}

}  // namespace gracevisor::config
