// The test itself as the parent of its processes, in place of a keeper. Thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <set>

#include "loop/fd_watch.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "process/parent.h"
#include "spawn/launcher.h"

namespace gracevisor::process::testing {

class LocalParent final : public Parent {
 public:
  // The launcher must outlive it.
  LocalParent(loop::Loop& loop, const spawn::Launcher& launcher);

  void spawn(ChildOrder order, ChildWatcher& watcher) override;
  void watch(pid_t child, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) override;
  void forget(ChildWatcher& watcher) override;
  void reap(pid_t child) override;
  [[nodiscard]] std::size_t waiting() const override { return started_.size(); }
  [[nodiscard]] pid_t pid() const override;

 private:
  struct Child {
    ChildWatcher* watcher = nullptr;
    base::UniqueFd pidfd;
    std::unique_ptr<loop::FdWatch> ended;
  };
  void tell_started();
  void on_ended(pid_t child);
  void reap_orphans();

  loop::Loop& loop_;
  const spawn::Launcher& launcher_;
  std::map<ChildWatcher*, std::expected<Spawned, spawn::SpawnFailed>> started_;  // to be told
  std::map<pid_t, Child> children_;
  std::set<pid_t> groups_;  // whose leaders are reaped: their other members may be our zombies
  loop::NextTurn next_turn_;
  loop::Timer orphans_timer_;
};

}  // namespace gracevisor::process::testing
