// The runtime folder, and the lock that makes one daemon its only user. The lock is held as long as any
// process has its descriptor: until the object is destroyed or the process ends, for whatever reason, and as
// long as its keeper holds a copy. A process that ends closes the lock's descriptor last. The lock's file
// stays, with the holder's pid in it. Take the lock before anything else in the folder. Thread: the
// supervisor's.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "control/access.h"

namespace gracevisor::control {

// Creates `folder` if it is missing, accessible only to the policy's owner and operators. An error if it
// belongs to a user other than the policy's owner and root, or if its group or others can write to it: they
// could put their own socket there.
[[nodiscard]] base::Expected<void> prepare_runtime_folder(const std::filesystem::path& folder,
                                                          const AccessPolicy& policy);

// How long to wait for the lock; tests are less patient.
struct LockPatience {
  // While its holder is dead or dying: a process it left behind (a child about to exec its program) will
  // release it.
  base::Duration dead = std::chrono::seconds(10);
  // While its holder is alive: it may be about to die, which cannot be detected.
  base::Duration alive = std::chrono::milliseconds(250);
};

class InstanceLock {
 public:
  // Locks the file `name` in the folder. Error: "another gracevisord (pid 4711) runs on /run/gracevisor",
  // with code EWOULDBLOCK.
  [[nodiscard]] static base::Expected<InstanceLock> acquire(const std::filesystem::path& folder,
                                                            const std::string& name = "lock",
                                                            const LockPatience& patience = {});

  // A lock that is held already: by this descriptor, which a former daemon had. An error if it is not the
  // lock of that file.
  [[nodiscard]] static base::Expected<InstanceLock> take_over(const std::filesystem::path& folder,
                                                              const std::string& name, base::UniqueFd file);

  // Writes this process's pid into the file again: another one that shared the lock wrote its own.
  [[nodiscard]] base::Expected<void> name_holder() const;

  [[nodiscard]] int fd() const noexcept { return file_.get(); }
  // Is the locked file the one at `folder`/lock? If not, the folder was removed or moved away, and another
  // process may hold the lock that counts.
  [[nodiscard]] bool in_place(const std::filesystem::path& folder, const std::string& name = "lock") const;

 private:
  explicit InstanceLock(base::UniqueFd file) noexcept : file_(std::move(file)) {}
  base::UniqueFd file_;
};

}  // namespace gracevisor::control
