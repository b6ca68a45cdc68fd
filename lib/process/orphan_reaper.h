// Reaps what the daemon did not start: grandchildren that double-forked are handed to it (it is their
// subreaper, or process 1 of a container) and would stay zombies. Its own children are left to their pidfds.
// Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "base/strong.h"
#include "loop/signals.h"
#include "loop/timer.h"

namespace gracevisor::process {

class OrphanReaper {
 public:
  // `is_own`: is a Process responsible for this pid? Reaps on SIGCHLD, and every 5 s in case a signal was
  // lost.
  [[nodiscard]] static base::Expected<std::unique_ptr<OrphanReaper>> create(
      loop::Loop& loop, std::function<bool(base::Pid)> is_own);
  OrphanReaper(const OrphanReaper&) = delete;
  OrphanReaper& operator=(const OrphanReaper&) = delete;
  ~OrphanReaper() = default;

 private:
  OrphanReaper(loop::Loop& loop, std::function<bool(base::Pid)> is_own);
  void reap();

  std::function<bool(base::Pid)> is_own_;
  loop::Timer timer_;
  std::unique_ptr<loop::Signals> signals_;
};

}  // namespace gracevisor::process
