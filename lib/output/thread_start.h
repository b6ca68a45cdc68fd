// Starts one of the daemon's writing threads: it has a name, which tools show, and blocks every signal.
#pragma once

#include <functional>
#include <thread>

#include "base/error.h"

namespace gracevisor::output {

// `name`: at most 15 characters.
[[nodiscard]] base::Expected<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace gracevisor::output
