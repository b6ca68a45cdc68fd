// Whether a loop has anything to do right now. A test that shares its thread with a loop turns the loop until
// it has nothing to do: then everything that could happen has happened, without a guess about time. Thread:
// the loop's.
#pragma once

#include "loop/loop.h"

namespace gracevisor::test {

// A descriptor is ready, a timer is due, or a close is pending. What the callbacks of the last turn asked for
// may take one more turn to show.
[[nodiscard]] bool has_work(loop::Loop& loop);

}  // namespace gracevisor::test
