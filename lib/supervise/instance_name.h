// An instance as a successor and its predecessor name it to each other. Thread: any.
#pragma once

#include <string>

#include "routing/endpoint.h"
#include "succession/messages.h"

namespace gracevisor::supervise {

[[nodiscard]] inline succession::InstanceName instance_name(const std::string& app,
                                                            const routing::Identity& who) {
  return {app, who.generation.value(), who.slot.value(), who.incarnation.value()};
}

}  // namespace gracevisor::supervise
