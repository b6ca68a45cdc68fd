// The runtime folder, and the lock that makes one daemon its only user. The lock is held until the object
// ends or the process does, however that happens, and then the last of its descriptors; its file stays, with
// the holder's pid in it. Take it before anything else in the folder. Thread: the start-up's.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "control/access.h"

namespace gracevisor::control {

// Creates `folder` where it is missing, for the policy's owner and operators alone. An error when it belongs
// to somebody else or somebody else can write to it: another user could put a socket of theirs there.
[[nodiscard]] base::Expected<void> prepare_runtime_folder(const std::filesystem::path& folder,
                                                          const AccessPolicy& policy);

// How long the lock is waited for; tests are less patient.
struct LockPatience {
  // While its holder is dead or dying: what it left a moment before (a child on its way to its program) lets
  // go.
  base::Duration dead = std::chrono::seconds(10);
  // While its holder lives: it may be about to die, which cannot be seen.
  base::Duration alive = std::chrono::milliseconds(250);
};

class InstanceLock {
 public:
  // Locks the file `name` in the folder. Error: "another gracevisord (pid 4711) runs on /run/gracevisor",
  // with code EWOULDBLOCK.
  [[nodiscard]] static base::Expected<InstanceLock> acquire(const std::filesystem::path& folder,
                                                            const std::string& name = "lock",
                                                            const LockPatience& patience = {});

  // Is the file that is locked the one in `folder`? Where it is not, the folder was removed or moved away,
  // and anybody may hold the lock that counts.
  [[nodiscard]] bool in_place(const std::filesystem::path& folder) const;

 private:
  explicit InstanceLock(base::UniqueFd file) noexcept : file_(std::move(file)) {}
  base::UniqueFd file_;
};

}  // namespace gracevisor::control
