// The daemon's half of starting a process: the spawn helper, the program gv-exec, is started in a session of
// its own and does the rest (exec_main.h) from a single-threaded state, where everything is allowed. A fork
// of the daemon would copy its page tables and leave only async-signal-safe calls; executing the daemon's own
// binary would load its libraries for every process.
//
// The helper's file is opened once. What is executed from then on is that file, whatever lies at its path by
// then: an upgrade under a running daemon does not mix versions. (Where one writes over the file itself, the
// plan's version notices.) Thread: the supervisor's.
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

// What becomes descriptor 0 to 5 of the helper. Numbers of 10 and above, so that none stands in the way of
// another's place, nor in the way of the helper's file.
struct HelperFds {
  base::UniqueFd in;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd plan;
  base::UniqueFd report;
  base::UniqueFd listener;  // empty: none
};
inline constexpr int kLowestSource = 10;

// Where the helper of a daemon is looked for: beside the daemon's own file `daemon`, as a build leaves it,
// then in `libexec`, which is relative to the daemon's folder, so that an installation may be moved as a
// whole.
[[nodiscard]] std::vector<std::filesystem::path> helper_places(const std::filesystem::path& daemon,
                                                               const std::filesystem::path& libexec);

class Launcher {
 public:
  // Opens the first of `places` that is there. The error names all that were tried, with the cause for each:
  // "cannot open gv-exec, which starts the processes: /usr/sbin/gv-exec: No such file or directory, ...".
  [[nodiscard]] static base::Expected<Launcher> open(const std::vector<std::filesystem::path>& places);

  // The helper's pid; it leads its own session and group already. On an error no child exists. Blocks until
  // the helper's image is loaded (a fraction of a millisecond).
  [[nodiscard]] std::expected<pid_t, SpawnFailed> start(const HelperFds& fds) const;

  // Close-on-exec, and good for nothing but to be executed (O_PATH).
  [[nodiscard]] int fd() const noexcept { return file_.get(); }

 private:
  explicit Launcher(base::UniqueFd file)
      : file_(std::move(file)), path_("/proc/self/fd/" + std::to_string(file_.get())) {}

  base::UniqueFd file_;
  std::string path_;
};

}  // namespace gracevisor::spawn
