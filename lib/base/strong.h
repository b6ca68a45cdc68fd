// Strong types: numbers that could be swapped unnoticed get their own types.
// Thread: values, any thread.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace gracevisor::base {

template <class T, class Tag>
class Strong {
 public:
  constexpr Strong() noexcept = default;
  constexpr explicit Strong(T value) noexcept : value_(value) {}
  [[nodiscard]] constexpr T value() const noexcept { return value_; }
  constexpr auto operator<=>(const Strong&) const noexcept = default;
  // The number that follows this one; for counters such as generations and epochs.
  [[nodiscard]] constexpr Strong next() const noexcept { return Strong(static_cast<T>(value_ + 1)); }

 private:
  T value_{};
};

using Port = Strong<std::uint16_t, struct PortTag>;                // a TCP port; 0 is "none"
using Pid = Strong<pid_t, struct PidTag>;                          // a process id; 0 is "none"
using AppId = Strong<std::uint32_t, struct AppIdTag>;              // an app, for this daemon's lifetime
using GenerationId = Strong<std::uint64_t, struct GenerationTag>;  // grows per app, never reused; 0 is "none"
using Epoch = Strong<std::uint64_t, struct EpochTag>;              // number of a published table; 0 is "none"
using Slot = Strong<std::uint32_t, struct SlotTag>;                // one of an app's places, from 1
using Incarnation = Strong<std::uint64_t, struct IncarnationTag>;  // one life of one slot's process
using WorkerIndex = Strong<std::uint32_t, struct WorkerTag>;       // a proxy worker, from 0

}  // namespace gracevisor::base

template <class T, class Tag>
struct std::hash<gracevisor::base::Strong<T, Tag>> {
  std::size_t operator()(gracevisor::base::Strong<T, Tag> s) const noexcept {
    return std::hash<T>{}(s.value());
  }
};
