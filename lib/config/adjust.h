// The visitor that takes the values of chosen keys from one structure into another: what a reload changes
// without a deploy. Thread: any.
#pragma once

#include <cstddef>
#include <vector>

#include "config/key.h"

namespace gracevisor::config {

namespace detail {

// Looks at the source and then, in the same order, writes to the target.
template <class Chosen>
class Adjuster {
 public:
  explicit Adjuster(const Chosen& chosen) : chosen_(chosen) {}

  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& /*codec*/, M&&... members) {
    const auto take = [&](std::string_view /*name*/, auto& value) {
      using Member = std::remove_reference_t<decltype(value)>;
      if constexpr (std::is_const_v<Member>) {
        seen_.push_back(&value);
      } else {
        const auto& from = next<Member>();
        if (chosen_(key.takes)) value = from;
      }
    };
    for_each_kept(key, take, members...);
  }
  // The row that keeps the members takes them, unless this one has its own share of them.
  template <class Codec, class M>
  void also(const Key& key, const Codec& /*codec*/, M& member) {
    if constexpr (requires(std::remove_const_t<M>& into, const M& from) { Codec::take(into, from); }) {
      if constexpr (std::is_const_v<M>) {
        seen_.push_back(&member);
      } else {
        const auto& from = next<M>();
        if (chosen_(key.takes)) Codec::take(member, from);
      }
    }
  }
  template <class Codec, class... M>
  void also(const Key& /*key*/, const Codec& /*codec*/, M&... /*members*/) {}
  template <class Codec, class M, class... C>
  void table(const Key& /*key*/, const Codec& /*codec*/, M& value, C&&... /*context*/) {
    keys(*this, value);
  }
  void kept(std::string_view /*name*/, auto& /*member*/) {}

 private:
  // The same member of the source: the rows come in the same order.
  template <class Member>
  const Member& next() {
    return *static_cast<const Member*>(seen_.at(next_++));
  }

  const Chosen& chosen_;
  std::vector<const void*> seen_;
  std::size_t next_ = 0;
};

}  // namespace detail

// `target` takes from `source` the values of all keys for which chosen(key.takes) holds.
template <class T, class Chosen>
void adjust(T& target, const T& source, const Chosen& chosen) {
  detail::Adjuster<Chosen> adjuster(chosen);
  keys(adjuster, source);
  keys(adjuster, target);
}

}  // namespace gracevisor::config
