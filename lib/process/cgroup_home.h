// Where the cgroups of the instances are, if the daemon may make any:
//
//   BASE/                      in which the daemon was started: a unit's with Delegate=yes, a container's
//     gracevisor-ID-KEEPER/    ID: the beginning of GV_STATE; KEEPER: the keeper's pid
//       daemon/                the keeper and its daemons: what limits others has no processes of its own
//       web@43.1-7/            an instance: generation, slot, incarnation
//
// systemd is the one writer of its tree but for what it has delegated: https://systemd.io/CGROUP_DELEGATION.
// Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "process/cgroup.h"
#include "process/parent.h"
#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::process {

// What limits, and is switched on in a cgroup for those below it.
enum class Controller : std::uint8_t { memory, pids, cpu };

// What this host is like; tests have others.
struct CgroupHost {
  std::vector<std::string> mounts = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
  std::string own = "/proc/self/cgroup";
  std::string systemd = "/run/systemd/system";  // is there if systemd runs
};

class CgroupHome {
 public:
  // None, for this reason: "[daemon] cgroups is off".
  explicit CgroupHome(std::string why_none = {}) : why_none_(std::move(why_none)) {}
  // Moves the keeper and this process into BASE's home, which is made unless it is there. Any failure is a
  // reason to have none. Called again by each daemon of a keeper.
  [[nodiscard]] static CgroupHome claim(const std::string& state_id, pid_t keeper,
                                        const CgroupHost& host = {});

  [[nodiscard]] bool exists() const { return !folder_.empty(); }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  // "/system.slice/gracevisor.service is not writable: Permission denied"; empty if it exists.
  [[nodiscard]] const std::string& why_none() const { return why_none_; }

  // Where this child's cgroup is to be made; empty: nowhere.
  [[nodiscard]] std::string place_for(const ChildName& name) const;
  // That of a child of a former daemon of this keeper, which may be about to make it. Unset: there are none.
  [[nodiscard]] std::optional<Cgroup> find(const ChildName& name) const;
  // From now on the cgroups of children can have such a limit; or why they cannot: EBUSY as long as others
  // are in BASE, such as the shell that waits for `gracevisord --daemonize`.
  [[nodiscard]] base::Expected<void> need(Controller controller) const;
  // The same for all that these limits need. On failure, that of the first one that cannot be.
  [[nodiscard]] std::expected<void, spawn::SpawnFailed> need_for(const spawn::Limits& limits) const;

  // The app and the instance ("web", "43.1") of each process in a home of this state folder, also those of
  // former keepers.
  struct Member {
    std::string app;
    std::string instance;
  };
  [[nodiscard]] std::map<pid_t, Member> members() const;
  // Removes what is empty of former homes, and of this one what is no child's of `living`.
  void clear(const std::vector<ChildName>& living) const;
  // The keeper and this process return to BASE, which no longer limits anyone, and the home is removed. At
  // the daemon's end, if its keeper ends as well. `keeper`: 0 if it has gone.
  void give_up(pid_t keeper);

 private:
  [[nodiscard]] std::vector<std::string> former_homes() const;

  std::string why_none_;
  std::string base_;
  std::string prefix_;  // of the names of homes: "gracevisor-ID-"
  std::string folder_;
};

}  // namespace gracevisor::process
