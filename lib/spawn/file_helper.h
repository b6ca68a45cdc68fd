// The daemon's half of a deed on a file with an app's rights: gv-exec is started as for a process, becomes
// the app's user, does it and hands a descriptor back (SCM_RIGHTS). For paths that this user can bend
// (base/safe_path.h). Costs a process, so: for opening a log, reading a file at a deploy, rotating.
// Thread: any; each call waits for the helper, at most kPatience, then the helper is killed.
#pragma once

#include <chrono>

#include "base/safe_path.h"
#include "spawn/file_request.h"
#include "spawn/launcher.h"

namespace gracevisor::spawn {

// A user can keep an open waiting (a file system of their own): nobody else shall wait for long.
inline constexpr std::chrono::milliseconds kPatience{5000};

// The descriptor of the deed; empty for rotate. The failure's text names path, user and cause.
[[nodiscard]] base::PathResult<base::UniqueFd> do_as_user(const Launcher& launcher,
                                                          const FileRequest& request,
                                                          std::chrono::milliseconds patience = kPatience);

}  // namespace gracevisor::spawn
