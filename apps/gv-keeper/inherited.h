// What the keeper changes about itself, and what it gives back to its children: they run as if they had been
// started in its place. Thread: the keeper's only one.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <csignal>

namespace gracevisor::keeper {

class Inherited {
 public:
  // Notes what was found. From then on: all signals are blocked (those of a terminal that stop its jobs thus
  // do not stop the keeper), ended children stay zombies, orphans come to the keeper, as many descriptors as
  // allowed, no core and no ptrace, and the OOM killer takes it last, if it may say so. False: no parent can
  // be made of this process, and why was said.
  [[nodiscard]] bool take_over();

  // In a child, before it executes a program; 0, or the errno of what could not be given back.
  [[nodiscard]] int give_back() const;
  // In the keeper, after a child that shared its memory gave all back: to be dumpable belongs to the memory.
  void take_back() const;

  [[nodiscard]] const rlimit& files() const { return files_; }

 private:
  [[nodiscard]] bool needs_dumpable() const;

  rlimit files_{};
  sigset_t mask_{};
  mode_t umask_ = 0;
  int nice_ = 0;
  char oom_score_[8] = {};  // empty: it was left alone
};

}  // namespace gracevisor::keeper
