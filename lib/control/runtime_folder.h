// The runtime folder for as long as the daemon lives. A cleaner of temporary files may remove it with all
// that is in it, the lock too: then a lock on the removed file says nothing any more, so it counts as lost
// until the one at the path is held. Thread: the supervisor's.
#pragma once

#include <filesystem>

#include "control/access.h"
#include "control/instance_lock.h"

namespace gracevisor::control {

class RuntimeFolder {
 public:
  // Makes the folder, and takes its lock.
  [[nodiscard]] static base::Expected<RuntimeFolder> take(const std::filesystem::path& folder,
                                                          const AccessPolicy& policy,
                                                          const LockPatience& patience = {});

  enum class Found {
    in_place,  // nothing has changed
    renewed,   // it was gone: it is there again, and the lock is held
  };
  // Looks after it, without waiting for anyone. The error: it is not ours now, since another daemon holds the
  // lock (EWOULDBLOCK), or it cannot be made; nothing may be put into it until a later look finds it in
  // place.
  [[nodiscard]] base::Expected<Found> look();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return folder_; }

 private:
  RuntimeFolder(std::filesystem::path folder, const AccessPolicy& policy, InstanceLock lock)
      : folder_(std::move(folder)), policy_(policy), lock_(std::move(lock)) {}

  std::filesystem::path folder_;
  AccessPolicy policy_;
  InstanceLock lock_;
};

}  // namespace gracevisor::control
