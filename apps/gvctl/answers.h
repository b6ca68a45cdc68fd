// What gvctl's commands share: paths and exit codes. Thread: values.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "control/command_messages.h"
#include "control/target.h"

namespace gracevisor::gvctl {

// What the daemon has at hand it gives within this time, unless it hangs, or is not there. Connections made
// while there is none wait for the next one.
inline constexpr base::Millis kAnswers(5000);
// The same from a daemon that may be about to be upgraded: another one takes over, or fails to.
inline constexpr base::Millis kTakesOver(40000);
// That are asked, one after the other, while each dies over it.
inline constexpr int kMostDaemons = 5;

[[nodiscard]] constexpr int code(control::ExitCode exit) {
  return static_cast<int>(exit);
}

[[nodiscard]] inline std::string app_path(const std::string& app) {
  return "/v1/apps/" + control::escape(app);
}

[[nodiscard]] inline control::Error not_understood(const base::Error& error) {
  return {"the daemon's answer is not understood: " + error.what, control::ExitCode::failed, {}};
}

}  // namespace gracevisor::gvctl
