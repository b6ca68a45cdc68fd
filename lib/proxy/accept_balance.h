// Whether a worker passes a connection on that it has just accepted. The kernel deals connections out by a
// hash (TCP) or to whoever wakes first (Unix): over many short ones that evens out, but of few long ones a
// worker may get nearly all, and keep them. Pure.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

// `own`: the connections of the accepting worker without the new one. `least`: those of the least loaded of
// the others. Passes on when own > 1.25 * least.
//
// Nothing is added for slack: with few connections one too many is much, and the quarter is slack enough for
// many, whose numbers always vary a little (each pass costs a wake-up). It follows that
//  - nobody accepts beyond 1.25 * least + 1, which of two workers is 5/9 of all but for rounding: 1.8 times
//    what one worker does;
//  - the receiver ends with no more than the accepting worker has (least + 1 <= own): the largest number does
//    not grow, so that passing on is never what makes somebody else pass on;
//  - equal numbers are left alone, and so is a difference of one above three.
[[nodiscard]] constexpr bool passes_on(std::uint64_t own, std::uint64_t least) noexcept {
  constexpr std::uint64_t kQuarter = 4;
  return own > least + least / kQuarter;
}

}  // namespace gracevisor::proxy
