// Before anything is started from a state record, it is checked like a configuration: it was written by
// another daemon, at another time, and the disk may have changed since. Thread: the supervisor's; looks at
// the disk.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// Can the spec still be started? The error is the cause: "instances: 5000 is out of range",
// "listen: there is no listener \"public\"", "command: /srv/web/server: No such file or directory".
[[nodiscard]] base::Expected<void> check_record(const Spec& spec,
                                                const std::function<bool(const std::string&)>& has_listener);

}  // namespace gracevisor::spec
