// A probe report, as a decider is told of it. Thread: any; values.
#pragma once

#include <optional>

#include "decide/ownership.h"
#include "routing/probe.h"

namespace gracevisor::decide {

struct Probed {
  routing::ProbeReport report;
  // As of now; set if Instance::needs_owner() asked for it.
  std::optional<ListenerOwner> owner = {};
};

}  // namespace gracevisor::decide
