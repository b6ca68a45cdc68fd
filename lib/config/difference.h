// The keys in which two structures differ: in the order of their table, without those that are compared as
// resolved. Thread: any.
#pragma once

#include <vector>

#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

[[nodiscard]] std::vector<Difference> find_differences(const App& from, const App& to);
[[nodiscard]] std::vector<Difference> find_differences(const Daemon& from, const Daemon& to);
[[nodiscard]] std::vector<Difference> find_differences(const Listener& from, const Listener& to);
[[nodiscard]] std::vector<Difference> find_differences(const Health& from, const Health& to);
[[nodiscard]] std::vector<Difference> find_differences(const DaemonLog& from, const DaemonLog& to);

}  // namespace gracevisor::config
