// gracevisord --import FILE: prints what another supervisor's file means as our TOML. Thread: the start-up's.
#pragma once

#include "options.h"

namespace gracevisor::daemon {

// Prints the configuration to standard output, everything else to standard error. Returns the exit code: 0,
// or 2 with nothing printed of a file that cannot be read whole.
[[nodiscard]] int import_file(const Options& options);

}  // namespace gracevisor::daemon
