// Chooses among an app's targets by what this worker has in flight on each. Its cursor and its random numbers
// are its own: there is one balancer per app and worker. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "config/config.h"

namespace gracevisor::proxy {

class Balancer {
 public:
  using Balance = config::ProxyOptions::Balance;

  explicit Balancer(std::uint64_t seed) noexcept : random_(seed | 1) {}

  // An index below `count`, which is at least 1. load_of(index) is what is in flight there. For the hashes,
  // `affinity` says whose request it is: while the targets, known by key_of(index), stay the same, so does
  // the target of each affinity; a change of the targets moves as few affinities as possible.
  template <class LoadOf, class KeyOf = std::identity>
  [[nodiscard]] std::size_t choose(Balance how, std::size_t count, const LoadOf& load_of,
                                   std::uint64_t affinity = 0, const KeyOf& key_of = {}) noexcept {
    if (count == 1) return 0;
    switch (how) {
      case Balance::p2c: return better_of_two(count, load_of);
      case Balance::round_robin: return cursor_++ % count;
      case Balance::least_requests: return least(count, load_of);
      case Balance::hash_header:
      case Balance::hash_cookie:
      case Balance::hash_client:
        // A request with no affinity goes anywhere.
        return affinity == 0 ? better_of_two(count, load_of) : highest_weight(count, affinity, key_of);
    }
    return 0;
  }

 private:
  // The less loaded of two different random targets: nearly as even as choosing the least loaded of all, and
  // without a stampede to a single target.
  template <class LoadOf>
  [[nodiscard]] std::size_t better_of_two(std::size_t count, const LoadOf& load_of) noexcept {
    std::size_t a = next_random() % count;
    std::size_t b = next_random() % (count - 1);
    if (b >= a) ++b;
    return load_of(b) < load_of(a) ? b : a;
  }

  // Equally loaded targets take turns.
  template <class LoadOf>
  [[nodiscard]] std::size_t least(std::size_t count, const LoadOf& load_of) noexcept {
    std::size_t start = cursor_++ % count;
    std::size_t best = start;
    for (std::size_t i = 1; i < count; ++i) {
      std::size_t candidate = (start + i) % count;
      if (load_of(candidate) < load_of(best)) best = candidate;
    }
    return best;
  }

  // Rendezvous hashing.
  template <class KeyOf>
  [[nodiscard]] static std::size_t highest_weight(std::size_t count, std::uint64_t affinity,
                                                  const KeyOf& key_of) noexcept {
    std::size_t best = 0;
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t weight = mix(affinity ^ mix(key_of(i)));
      if (weight < highest) continue;
      highest = weight;
      best = i;
    }
    return best;
  }
  // The finaliser of splitmix64.
  [[nodiscard]] static std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9U;
    x = (x ^ x >> 27U) * 0x94D049BB133111EBU;
    return x ^ x >> 31U;
  }

  // xorshift64: spreading load needs speed, not secrecy.
  [[nodiscard]] std::size_t next_random() noexcept {
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 7U;
    random_ ^= random_ << 17U;
    return static_cast<std::size_t>(random_ >> 16U);
  }

  std::size_t cursor_ = 0;
  std::uint64_t random_;
};

}  // namespace gracevisor::proxy
