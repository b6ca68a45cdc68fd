// A snapshot of all processes of the machine, read from /proc in slices, and how they are related. A process
// that began while /proc was read may be missing, and one that ended may still be listed: to be sure, look
// again. Thread: any; one at a time.
#pragma once

#include <dirent.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/process_entry.h"

namespace gracevisor::inspect {

// The variables in a process's environment that tell where it comes from. A process that executed a program
// with other variables, or overwrote them with its title, carries none.
struct ProcessMarks {
  std::string state;     // GV_STATE: the daemon's state folder (state_id.h)
  std::string app;       // GV_APP
  std::string instance;  // GV_INSTANCE: "42.1"; empty: none
  bool operator==(const ProcessMarks&) const = default;
};

// From the bytes of /proc/PID/environ, or from a plan's "KEY=value" entries joined by NUL. Unset without
// GV_APP.
[[nodiscard]] std::optional<ProcessMarks> marks_in(std::string_view environment);

struct MarksSeen {
  // Also unset when the environment cannot be read, as when the process belongs to another user: that is no
  // error.
  std::optional<ProcessMarks> marks;
  // The process is in the middle of execve(2), and its environment cannot be read yet: look again a moment
  // later.
  bool executing = false;
};
[[nodiscard]] MarksSeen read_marks(pid_t pid);

class ProcessTable {
 public:
  using Entry = base::ProcessEntry;
  using Members = std::vector<const Entry*>;

  // For tests; sorted and indexed like one that was read.
  [[nodiscard]] static ProcessTable of(std::vector<Entry> entries);

  // False when some process could not be examined for lack of descriptors or memory: a process missing here
  // may still exist.
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }  // by pid
  [[nodiscard]] const Entry* find(pid_t pid) const;
  [[nodiscard]] Members children_of(pid_t pid) const { return of(by_parent_, pid); }
  [[nodiscard]] Members session_of(pid_t pid) const { return of(by_session_, pid); }
  [[nodiscard]] Members group_of(pid_t pid) const { return of(by_group_, pid); }
  // The parent of `entry`, the parent's parent, and so on.
  [[nodiscard]] Members ancestors_of(const Entry& entry) const;
  // Is a living keeper other than `own` among the ancestors?
  [[nodiscard]] bool below_keeper(const Entry& entry, pid_t own) const;

 private:
  friend class ProcessScan;
  using Index = std::unordered_multimap<pid_t, std::size_t>;
  void seal();
  [[nodiscard]] Members of(const Index& index, pid_t pid) const;

  std::vector<Entry> entries_;
  Index by_parent_;
  Index by_session_;
  Index by_group_;
  bool complete_ = true;
};

class ProcessScan {
 public:
  ProcessScan();
  // Reads on for `slice`, at least one entry of /proc; true when all are read. Then take() may be called.
  [[nodiscard]] bool step(base::Duration slice);
  [[nodiscard]] ProcessTable take();

 private:
  struct Close {
    void operator()(DIR* folder) const noexcept { (void)::closedir(folder); }
  };
  std::unique_ptr<DIR, Close> folder_;
  ProcessTable table_;
};

// Reads the table in one go; this blocks until all of /proc has been read.
[[nodiscard]] ProcessTable read_process_table();

// Is this a living gv-keeper, the process on top of a gracevisord and its apps? Judged by its name and, since
// any process can choose its name, also by its executable file if that can be read.
[[nodiscard]] bool is_keeper(const base::ProcessEntry& entry);

}  // namespace gracevisor::inspect
