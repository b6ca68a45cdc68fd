// A state record is checked as a configuration is before anything is started from it: it was written by
// another daemon, at another time, about a disk that has changed. Thread: the supervisor's; looks at the
// disk.
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
