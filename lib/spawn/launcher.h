// The daemon's half of starting a process: the spawn helper, the program gv-exec, is started in a session of
// its own and does the rest (exec_main.h) single-threaded, where every call is allowed. A fork of the daemon
// would copy its page tables and leave only async-signal-safe calls; executing the daemon's own binary would
// load its libraries for every process.
//
// The helper's file is opened once. From then on that file is executed, even if its path later leads to
// another one: an upgrade under a running daemon does not mix versions. (If the file itself is overwritten,
// the plan's version number catches it.) Thread: any; immutable once opened.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/failure.h"

namespace gracevisor::spawn {

// These become descriptors 0 to 5 of the helper. Their numbers are 10 or higher, so that none occupies a slot
// that another one or the helper's file needs.
struct HelperFds {
  base::UniqueFd in;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd plan;
  base::UniqueFd report;
  base::UniqueFd listener;  // empty: none
};
inline constexpr int kLowestSource = 10;

// Where the daemon looks for its helper: next to the daemon's own file `daemon`, where a build puts it, then
// in `libexec`, which is relative to the daemon's folder, so that an installation can be moved as a whole.
[[nodiscard]] std::vector<std::filesystem::path> helper_places(const std::filesystem::path& daemon,
                                                               const std::filesystem::path& libexec);

class Launcher {
 public:
  // Opens the first of `places` that exists. The error names all that were tried, with the cause for each:
  // "cannot open gv-exec, which starts the processes: /usr/sbin/gv-exec: No such file or directory, ...".
  [[nodiscard]] static base::Expected<Launcher> open(const std::vector<std::filesystem::path>& places);

  // A file that is open already (O_PATH), as a former daemon had it.
  [[nodiscard]] static base::Expected<Launcher> of(base::UniqueFd file);

  // Returns the helper's pid; it already leads its own session and group. On an error no child exists. Blocks
  // until the helper's image is loaded (a fraction of a millisecond).
  [[nodiscard]] std::expected<pid_t, SpawnFailed> start(const HelperFds& fds) const;

  // Close-on-exec, and usable only for executing it (O_PATH).
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

 private:
  explicit Launcher(base::UniqueFd file)
      : file_(std::move(file)), path_("/proc/self/fd/" + std::to_string(file_.get())) {}

  base::UniqueFd file_;
  std::string path_;
};

}  // namespace gracevisor::spawn
