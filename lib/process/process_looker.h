// Looks at all processes for its askers, no more often than needed: one reading of /proc, in slices between
// which the loop turns, answers everyone who asked before it began. So a hundred instances that end at the
// same time cost one or two readings.
//
// It also knows which children of the parent (parent.h) are instances; the others, except the daemon itself,
// were handed to it, their subreaper, when their own parents died, and their marks tell whose they are.
// Thread: the supervisor's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "inspect/process_table.h"
#include "loop/timer.h"

namespace gracevisor::process {

// What one look found.
class ProcessLook {
 public:
  // `parent` is the instances' parent; `leaders` its children that are no orphans.
  ProcessLook(inspect::ProcessTable table, pid_t parent, std::set<pid_t> leaders);

  [[nodiscard]] const inspect::ProcessTable& table() const { return table_; }
  [[nodiscard]] pid_t parent() const { return parent_; }
  // The parent's living children that it did not start.
  [[nodiscard]] const inspect::ProcessTable::Members& adopted() const { return adopted_; }
  // Read once per look, and only on demand.
  [[nodiscard]] const inspect::MarksSeen& marks_of(pid_t pid) const;

 private:
  inspect::ProcessTable table_;
  pid_t parent_;
  inspect::ProcessTable::Members adopted_;
  mutable std::map<pid_t, inspect::MarksSeen> marks_;
};

class LookAsker {
 public:
  // The look began after it was asked for. The asker may ask again, forget, or be destroyed here.
  virtual void on_look(const ProcessLook& look) = 0;

 protected:
  ~LookAsker() = default;
};

class ProcessLooker {
 public:
  // `parent`: the pid of the instances' parent.
  ProcessLooker(loop::Loop& loop, pid_t parent);
  ProcessLooker(const ProcessLooker&) = delete;
  ProcessLooker& operator=(const ProcessLooker&) = delete;
  ~ProcessLooker() = default;

  // on_look() follows once, never from inside this call. Asking twice counts as asking once.
  void ask(LookAsker& asker);
  void forget(LookAsker& asker);

  // A child for which a Process is responsible, until it is reaped.
  void add_leader(pid_t pid) { leaders_.insert(pid); }
  void remove_leader(pid_t pid) { leaders_.erase(pid); }
  [[nodiscard]] bool is_leader(pid_t pid) const { return leaders_.contains(pid); }

 private:
  void work();

  pid_t parent_;
  loop::Timer timer_;
  std::set<pid_t> leaders_;
  std::set<pid_t> leaders_then_;  // when the reading under way began
  std::set<LookAsker*> waiting_;  // for the next reading
  std::set<LookAsker*> served_;   // by the reading under way, or by `look_`
  std::optional<inspect::ProcessScan> scan_;
  std::optional<ProcessLook> look_;
};

}  // namespace gracevisor::process
