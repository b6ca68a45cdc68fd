// Starts one of the daemon's threads besides the workers: it has a name, which tools show, and blocks every
// signal. Thread: any.
#pragma once

#include <functional>
#include <thread>

#include "base/error.h"

namespace gracevisor::base {

// `name`: at most 15 characters.
[[nodiscard]] Expected<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace gracevisor::base
