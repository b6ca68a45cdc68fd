// The daemon as the parent of its processes. Thread: the supervisor's.
#pragma once

#include "process/parent.h"

namespace gracevisor::process {

class LocalParent final : public Parent {
 public:
  // The launcher must outlive it.
  explicit LocalParent(const spawn::Launcher& launcher) : launcher_(launcher) {}

  // Blocks until the helper's image is loaded (a fraction of a millisecond).
  [[nodiscard]] std::expected<Spawned, spawn::SpawnFailed> spawn(const spawn::HelperFds& order) override;
  [[nodiscard]] std::optional<spawn::ExitStatus> ended(pid_t child) override;
  spawn::ExitStatus reap(pid_t child) override;
  void reap_orphans(pid_t group) override;

 private:
  const spawn::Launcher& launcher_;
};

}  // namespace gracevisor::process
