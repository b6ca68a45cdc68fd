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
    if (first_) return (remember(members), ...);
    bool same = true;
    ((same = equal(members) && same), ...);
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
  template <class M>
  void remember(const M& named) {
    seen_.push_back(&member(named));
  }
  template <class M>
  void remember(const Context<M>& /*another row's*/) {}
  // To the same member of the first structure: the rows come in the same order.
  template <class M>
  bool equal(const M& named) {
    using Member = std::remove_cvref_t<decltype(member(named))>;
    return *static_cast<const Member*>(seen_.at(next_++)) == member(named);
  }
  template <class M>
  bool equal(const Context<M>& /*another row's*/) {
    return true;
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
