// A process of an app that outlived the daemon which started it, as the keeper lists it. Thread: values.
#pragma once

#include <string>

#include "base/boot_clock.h"
#include "base/strong.h"
#include "process/launch.h"

namespace gracevisor::supervise {

struct KeptChild {
  std::string app;
  base::GenerationId generation = {};
  base::Slot slot = {};
  base::Incarnation incarnation = {};
  base::BootTime started = {};
  std::string endpoint;  // empty: none
  process::FoundChild process;
};

}  // namespace gracevisor::supervise
