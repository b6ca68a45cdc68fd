// Kept processes that no record knows: they are ended like instances that leave, each by its stop ladder, and
// are named in the log. Thread: the supervisor's.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "process/process.h"
#include "supervise/kept_child.h"

namespace gracevisor::supervise {

class Strays {
 public:
  // `changed`: one of them is gone.
  Strays(const process::ProcessSurroundings& around, base::Log& log, std::function<void()> changed);
  Strays(const Strays&) = delete;
  Strays& operator=(const Strays&) = delete;
  ~Strays();

  // `why` is for the log.
  void end(KeptChild child, const config::Stop& stop, std::optional<inspect::ProcessMarks> marks,
           const std::string& why);
  // SIGKILL to all that are left.
  void kill();
  // They are left alone, and nothing is told of them any more: another daemon ends them.
  void abandon();
  [[nodiscard]] bool empty() const { return strays_.empty(); }
  [[nodiscard]] bool any_of(const std::string& app) const;
  [[nodiscard]] std::vector<pid_t> pids() const;

 private:
  class Stray;
  void forget_ended();

  process::ProcessSurroundings around_;
  base::Log& log_;
  std::function<void()> changed_;
  loop::NextTurn next_turn_;
  std::list<std::unique_ptr<Stray>> strays_;
};

}  // namespace gracevisor::supervise
