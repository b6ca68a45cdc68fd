// The runtime folder, and the lock that makes one daemon its only user. The lock is held until the object
// ends or the process does, however that happens; its file stays, with the holder's pid in it. Take it before
// anything else in the folder. Thread: the start-up's.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/unique_fd.h"
#include "control/access.h"

namespace gracevisor::control {

// Creates `folder` where it is missing, for the policy's owner and operators alone. An error when it belongs
// to somebody else or somebody else can write to it: another user could put a socket of theirs there.
[[nodiscard]] base::Expected<void> prepare_runtime_folder(const std::filesystem::path& folder,
                                                          const AccessPolicy& policy);

class InstanceLock {
 public:
  // Error: "another gracevisord (pid 4711) runs on /run/gracevisor", with code EWOULDBLOCK.
  [[nodiscard]] static base::Expected<InstanceLock> acquire(const std::filesystem::path& folder);

  // Is the file that is locked the one in `folder`? Where it is not, the folder was removed or moved away,
  // and anybody may hold the lock that counts.
  [[nodiscard]] bool in_place(const std::filesystem::path& folder) const;

 private:
  explicit InstanceLock(base::UniqueFd file) noexcept : file_(std::move(file)) {}
  base::UniqueFd file_;
};

}  // namespace gracevisor::control
