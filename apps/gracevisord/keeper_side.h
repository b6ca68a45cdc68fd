// The daemon's side of its keeper while it runs: the parent of its processes, the signs of life, and what the
// service manager is told through it. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/log.h"
#include "below_keeper.h"
#include "control/messages.h"
#include "keeper/held.h"
#include "keeper/link.h"
#include "loop/timer.h"
#include "process/keeper_parent.h"

namespace gracevisor::daemon {

class KeeperSide final : private keeper::LinkListener {
 public:
  // `launcher` and `log` must outlive it. `on_gone`: the keeper has died; what it held is lost.
  [[nodiscard]] static base::Expected<std::unique_ptr<KeeperSide>> create(loop::Loop& loop, base::Log& log,
                                                                          Found found,
                                                                          const spawn::Launcher& launcher,
                                                                          std::function<void()> on_gone);
  KeeperSide(const KeeperSide&) = delete;
  KeeperSide& operator=(const KeeperSide&) = delete;
  ~KeeperSide() = default;

  [[nodiscard]] process::Parent& parent() { return parent_; }
  [[nodiscard]] keeper::Link& link() { return *link_; }
  [[nodiscard]] keeper::Held& held() { return held_; }
  [[nodiscard]] control::KeeperStatus status() const;
  // Why this daemon was started, in the log.
  void tell_restart(bool safe) const;

  // An upgrade. On a successor, which orders nothing before: it asks to be the owner from now on; false: the
  // keeper refuses. The time begins anew for what it is told beside its children.
  void commit(std::function<void(bool)> answered);
  // `former`: the pid of the predecessor.
  void own(std::function<base::Millis()> shutdown_timeout, pid_t former);
  // The daemon before this one, which still finishes what its clients have begun; 0: there is none.
  [[nodiscard]] pid_t predecessor() const { return predecessor_; }
  // Each is asked to end, and killed if it does not; its end is told.
  void end_predecessor();
  void end_successor();
  // The ends of children are told only after resume_children().
  void pause_children() { parent_.pause(); }
  void resume_children() { parent_.resume(); }
  // The upgrade has failed: what was held back since Link::begin_successor() and pause_children() is done.
  void resume();
  // Another daemon is the owner now.
  void on_superseded(std::function<void()> told) { superseded_ = std::move(told); }
  // A successor or the predecessor has ended.
  void on_daemon_ended(std::function<void(const keeper::Daemon&)> told) { daemon_ended_ = std::move(told); }

  // Everything is up. The keeper starts another daemon from now on if this one dies. `shutdown_timeout` is
  // asked again and again: the keeper gives that much time to what it has to end itself.
  void serving(std::function<base::Millis()> shutdown_timeout);
  // It drains, and then it ends: the service manager waits for it.
  void stopping();
  // This daemon ends as asked, with this status.
  void end(int status);

 private:
  KeeperSide(loop::Loop& loop, base::Log& log, std::unique_ptr<keeper::Link> link, Found found,
             const spawn::Launcher& launcher, std::function<void()> on_gone);
  void on_exited(const keeper::ChildExited& child) override { parent_.on_exited(child); }
  void on_superseded(const keeper::Superseded& by) override;
  void on_daemon_ended(const keeper::DaemonEnded& daemon) override;
  void on_keeper_gone() override;
  void show_life();
  void tell_policy();
  void tell_not_held(const std::string& name, const base::Error& error);

  base::Log& log_;
  keeper::Welcome facts_;
  std::unique_ptr<keeper::Link> link_;
  keeper::Held held_;
  process::KeeperParent parent_;
  std::function<void()> on_gone_;
  loop::Timer life_timer_;
  std::function<base::Millis()> shutdown_timeout_;
  base::Millis told_timeout_{};
  bool stopping_ = false;
  bool owner_ = true;
  pid_t predecessor_ = 0;
  std::function<void()> superseded_ = [] {};
  std::function<void(const keeper::Daemon&)> daemon_ended_ = [](const auto& /*daemon*/) {};
};

}  // namespace gracevisor::daemon
