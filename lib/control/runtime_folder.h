// The runtime folder for the daemon's lifetime. A cleaner of temporary files may remove it with everything in
// it, including the lock: a lock on the removed file then means nothing, so the folder counts as lost until
// the lock on the file at the path is held. Thread: the supervisor's.
#pragma once

#include <filesystem>

#include "control/access.h"
#include "control/instance_lock.h"

namespace gracevisor::control {

class RuntimeFolder {
 public:
  // Creates the folder and takes its lock. `held`: the lock's descriptor, if it is held already.
  [[nodiscard]] static base::Expected<RuntimeFolder> take(const std::filesystem::path& folder,
                                                          const AccessPolicy& policy,
                                                          const LockPatience& patience = {},
                                                          base::UniqueFd held = {});

  enum class Found {
    in_place,  // nothing has changed
    renewed,   // it was gone; it has been recreated, and the lock is held
  };
  // Checks the folder and recreates it if needed, without waiting for anyone. An error means that the folder
  // is not ours now, because another daemon holds the lock (EWOULDBLOCK) or the folder cannot be created; put
  // nothing into it until a later look() succeeds.
  [[nodiscard]] base::Expected<Found> look();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return folder_; }
  [[nodiscard]] const InstanceLock& lock() const noexcept { return lock_; }

 private:
  RuntimeFolder(std::filesystem::path folder, const AccessPolicy& policy, InstanceLock lock)
      : folder_(std::move(folder)), policy_(policy), lock_(std::move(lock)) {}

  std::filesystem::path folder_;
  AccessPolicy policy_;
  InstanceLock lock_;
};

}  // namespace gracevisor::control
