#include "control/runtime_folder.h"

#include <utility>

namespace gracevisor::control {

base::Expected<RuntimeFolder> RuntimeFolder::take(const std::filesystem::path& folder,
                                                  const AccessPolicy& policy, const LockPatience& patience,
                                                  base::UniqueFd held) {
  if (auto made = prepare_runtime_folder(folder, policy); !made) return std::unexpected(made.error());
  // One whose file was removed is no lock any more.
  base::Expected<InstanceLock> lock = base::fail("not held");
  if (held) lock = InstanceLock::take_over(folder, "lock", std::move(held));
  if (!lock) lock = InstanceLock::acquire(folder, "lock", patience);
  if (!lock) return std::unexpected(lock.error());
  return RuntimeFolder(folder, policy, std::move(*lock));
}

base::Expected<RuntimeFolder::Found> RuntimeFolder::look() {
  if (lock_.in_place(folder_)) return Found::in_place;
  auto again = take(folder_, policy_, {.dead = {}, .alive = {}});
  if (!again) return std::unexpected(again.error());
  lock_ = std::move(again->lock_);
  return Found::renewed;
}

}  // namespace gracevisor::control
