// Decides whether a worker passes on a connection that it has just accepted. The kernel distributes
// connections by a hash (TCP) or to the worker that wakes first (Unix). With many short connections that
// evens out; with a few long ones, a single worker may get nearly all of them and keep them. Pure.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

// `own`: the connections of the accepting worker, not counting the new one. `least`: those of the least
// loaded other worker. Passes on when own > 1.25 * least.
//
// No slack is added: with few connections, one too many is a lot; with many, the numbers always vary a
// little, but the quarter is slack enough for that (each pass costs a wake-up). It follows that
//  - no worker accepts beyond 1.25 * least + 1. With two workers that is 5/9 of all connections, up to
//    rounding, so together they do 1.8 times what one worker does;
//  - the receiver ends up with no more than the accepting worker has (least + 1 <= own): the largest number
//    does not grow, so passing on never makes another worker pass on;
//  - equal numbers are left alone, and so is a difference of one when `least` is above three.
[[nodiscard]] constexpr bool passes_on(std::uint64_t own, std::uint64_t least) noexcept {
  constexpr std::uint64_t kQuarter = 4;
  return own > least + least / kQuarter;
}

}  // namespace gracevisor::proxy
