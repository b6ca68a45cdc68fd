// How log files are opened and rotated: never through a link, never a file with a second name, and with the
// rights of the user who could have put something else there (base/safe_path.h): the daemon's rights if only
// root and the daemon's user can, the app's user's rights through gv-exec if that user can. If a third user
// can, the file is neither opened nor rotated.
// "/dev/stdout", "/dev/stderr" and "/dev/null" are opened as they are. Thread: any; the writer's, and the
// supervisor's for checks. Immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/numbered_files.h"
#include "base/safe_path.h"
#include "output/lines.h"
#include "spawn/file_request.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"

namespace gracevisor::output {

class LogOpener {
 public:
  struct Opened {
    base::UniqueFd fd;
    bool regular = false;
    std::uint64_t size = 0;  // of a regular file
  };

  // Judges nothing: for a daemon without privileges, and for tests.
  LogOpener() = default;
  // `readers`: the group that may read what is created. `launcher` must outlive this; without one nothing is
  // done with another user's rights.
  LogOpener(base::PathTrust trust, std::optional<gid_t> readers, const spawn::Launcher* launcher)
      : trust_(std::move(trust)), readers_(readers), launcher_(launcher) {}

  // Missing folders are created (0750), and so is the file (0640), regardless of the umask.
  [[nodiscard]] base::PathResult<Opened> open(const FilePolicy& policy) const;
  [[nodiscard]] base::PathResult<void> rotate(const FilePolicy& policy) const;
  // To read it, or its old file `number` (1 is the newest): never created. ENOENT: it is not there.
  [[nodiscard]] base::PathResult<base::UniqueFd> open_to_read(const FilePolicy& policy, unsigned number,
                                                              bool compressed = false) const;
  // The log and its old files (base/numbered_files.h): what is done with each is judged again.
  [[nodiscard]] base::PathResult<std::vector<base::OldFile>> list(const FilePolicy& policy) const;
  [[nodiscard]] base::PathResult<void> remove(const FilePolicy& policy, const base::OldFile& old) const;
  // See base::begin_compressed() and so on.
  [[nodiscard]] base::PathResult<base::UniqueFd> begin_compressed(const FilePolicy& policy) const;
  [[nodiscard]] base::PathResult<void> end_compressed(const FilePolicy& policy, std::uint64_t source) const;
  void drop_compressed(const FilePolicy& policy) const;
  // Could it be opened? Creates nothing; a missing file or folder is not an error.
  [[nodiscard]] base::PathResult<void> check(const FilePolicy& policy) const;
  // Where the socket of a sink is, links followed: one that any other user could replace is refused.
  [[nodiscard]] base::PathResult<base::Place> find_socket(const FilePolicy& policy) const;

 private:
  [[nodiscard]] base::PathRules rules_for(const FilePolicy& policy) const;
  [[nodiscard]] base::PathResult<Opened> open_as_user(const FilePolicy& policy) const;
  [[nodiscard]] base::PathResult<base::UniqueFd> as_user(const FilePolicy& policy, spawn::FileDeed deed,
                                                         std::uint64_t limit) const;
  [[nodiscard]] base::PathResult<base::UniqueFd> as_user(const spawn::FileRequest& request,
                                                         std::chrono::milliseconds patience) const;

  base::PathTrust trust_;
  std::optional<gid_t> readers_;
  const spawn::Launcher* launcher_ = nullptr;
};

}  // namespace gracevisor::output
