// Whether a worker passes on a connection that it has just accepted. The kernel distributes connections by a
// hash (TCP) or to the worker that wakes first (Unix). Over many short connections that evens out, but of a
// few long ones a single worker may get nearly all, and keep them. Pure.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

// `own`: the connections of the accepting worker, without the new one. `least`: those of the least loaded
// other worker. Passes on when own > 1.25 * least.
//
// No slack is added: with few connections one too many is a lot, and with many, whose numbers always vary a
// little, the quarter is slack enough (each pass costs a wake-up). It follows that
//  - no worker accepts beyond 1.25 * least + 1, which with two workers is 5/9 of all, up to rounding: 1.8
//    times what one worker does;
//  - the receiver ends with no more than the accepting worker has (least + 1 <= own): the largest number does
//    not grow, so passing on never makes another worker pass on;
//  - equal numbers are left alone, and so is a difference of one above three.
[[nodiscard]] constexpr bool passes_on(std::uint64_t own, std::uint64_t least) noexcept {
  constexpr std::uint64_t kQuarter = 4;
  return own > least + least / kQuarter;
}

}  // namespace gracevisor::proxy
