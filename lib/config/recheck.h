// Could files have said this? For a configuration that comes from a record instead: its values are judged by
// the codecs of their keys (key.h), so a new key needs nothing here, and by what the daemon relies on
// besides. What files may not say together, such as the same route twice, does no harm and is not looked at.
// Nothing is read: pages and folders that are named may have gone since. Thread: any.
#pragma once

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::config {

// The error is the first misfit, with its path: "apps[2].health.interval: "1ms" is not a duration, 10ms to
// 1d".
[[nodiscard]] base::Expected<void> recheck(const Config& config);

}  // namespace gracevisor::config
