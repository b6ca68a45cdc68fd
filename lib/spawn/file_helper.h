// The daemon's half of a file operation with an app's rights: gv-exec is started as for a process, becomes
// the app's user, does the operation and hands a descriptor back (SCM_RIGHTS). For paths that this user can
// redirect (base/safe_path.h). It costs a process, so it is used only for opening a log, reading a file at a
// deploy, rotating, and the upkeep of old files.
// Thread: any; each call waits for the helper for at most kPatience, then kills it.
#pragma once

#include <chrono>

#include "base/safe_path.h"
#include "spawn/file_request.h"
#include "spawn/helper_process.h"
#include "spawn/launcher.h"

namespace gracevisor::spawn {

// The resulting descriptor, if the deed gives one. The failure's text names path, user and cause.
[[nodiscard]] base::PathResult<base::UniqueFd> do_as_user(const Launcher& launcher,
                                                          const FileRequest& request,
                                                          std::chrono::milliseconds patience = kPatience);

}  // namespace gracevisor::spawn
