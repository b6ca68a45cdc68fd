// The keeper as the parent of the daemon's processes: they outlive a daemon, and none is waited for here.
//
// If the keeper is gone, its children are nobody's: the kernel gives them to another parent, which learns how
// they end. That they end is then seen at their pidfds, and how is unknown. Thread: the supervisor's.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "keeper/link.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "process/parent.h"
#include "spawn/launcher.h"

namespace gracevisor::process {

class KeeperParent final : public Parent {
 public:
  // `link` and `launcher` must outlive it. `keeper`: its pid.
  KeeperParent(loop::Loop& loop, keeper::Link& link, const spawn::Launcher& launcher, pid_t keeper);
  KeeperParent(const KeeperParent&) = delete;
  KeeperParent& operator=(const KeeperParent&) = delete;

  void spawn(ChildOrder order, ChildWatcher& watcher) override;
  void watch(pid_t child, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) override;
  void forget(ChildWatcher& watcher) override;
  void reap(pid_t child) override;
  [[nodiscard]] std::size_t waiting() const override { return ordered_.size(); }
  [[nodiscard]] pid_t pid() const override { return keeper_; }

  // Ends are told, and acted upon, only after resume(): while two daemons live, one of them decides. What
  // is ordered meanwhile waits in the link (keeper::Link::pause).
  void pause() { paused_ = true; }
  void resume();

  // From the link.
  void on_exited(const keeper::ChildExited& child);
  void on_keeper_gone();

 private:
  // Shared with an order that is out.
  struct Awaited {
    ChildWatcher* watcher = nullptr;  // null: forgotten
  };
  void on_answer(Awaited& awaited, std::expected<keeper::Started, keeper::Refused> answer);
  void end(pid_t child, const ChildEnd& end);
  void tell_ended();
  void look_at_orphans();

  keeper::Link& link_;
  const spawn::Launcher& launcher_;
  pid_t keeper_;
  std::map<ChildWatcher*, std::shared_ptr<Awaited>> ordered_;  // not started yet
  std::map<pid_t, ChildWatcher*> children_;                    // started, and not told to have ended
  std::map<pid_t, ChildEnd> ended_;                            // of these: to be told in the next turn
  bool paused_ = false;
  loop::NextTurn next_turn_;
  // Once the keeper is gone.
  std::map<pid_t, base::UniqueFd> orphans_;
  loop::Timer orphans_timer_;
};

}  // namespace gracevisor::process
