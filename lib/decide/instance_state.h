// The states of an instance; instance.h draws the transitions between them. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace gracevisor::decide {

enum class InstanceState : std::uint8_t {
  stopped,
  queued,
  spawning,
  starting,
  healthy,
  unhealthy,
  draining,
  closing,
  drained,
  stopping,
  killing,
  backoff,
  fatal,
};
[[nodiscard]] std::string_view text(InstanceState state);

}  // namespace gracevisor::decide
