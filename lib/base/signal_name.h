// Signals as operators name them. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gracevisor::base {

// "HUP"; a real-time signal by its number.
[[nodiscard]] std::string signal_name(int number);
// "HUP", "SIGHUP", "hup" or "1", up to 64; 0 is no signal.
[[nodiscard]] Expected<int> signal_number(std::string_view text);

}  // namespace gracevisor::base
