// Whether a loop has anything to do at once. A test that shares its thread with a loop turns it until that is
// no longer so: then everything that could happen has happened, without a guess about time. Thread: the
// loop's.
#pragma once

#include "loop/loop.h"

namespace gracevisor::test {

// A descriptor is ready, a timer is due, or a close is pending. What callbacks of the last turn asked for may
// need one more turn to show.
[[nodiscard]] bool has_work(loop::Loop& loop);

}  // namespace gracevisor::test
