#include "decide/instance_state.h"

namespace gracevisor::decide {

std::string_view text(InstanceState state) {
  switch (state) {
    case InstanceState::stopped: return "stopped";
    case InstanceState::queued: return "queued";
    case InstanceState::spawning: return "spawning";
    case InstanceState::starting: return "starting";
    case InstanceState::healthy: return "healthy";
    case InstanceState::unhealthy: return "unhealthy";
    case InstanceState::draining:
    case InstanceState::closing: return "draining";
    case InstanceState::drained: return "drained";
    case InstanceState::stopping:
    case InstanceState::killing: return "stopping";
    case InstanceState::backoff: return "backoff";
    case InstanceState::fatal: return "fatal";
  }
  return "?";
}

}  // namespace gracevisor::decide
