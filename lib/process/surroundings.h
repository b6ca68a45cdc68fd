// What the owner of a process gives it, and what it is told. Thread: the supervisor's.
#pragma once

#include <chrono>
#include <string_view>

#include "base/clock.h"
#include "loop/loop.h"
#include "process/cgroup_home.h"
#include "process/parent.h"
#include "process/process_looker.h"
#include "spawn/process_event.h"

namespace gracevisor::process {

enum class OutputStream { out, err };

// Gets what the process writes. This is not an event: the bytes are valid only during the call.
class OutputSink {
 public:
  // At most 64 KiB per call.
  virtual void take(OutputStream stream, std::string_view bytes) = 0;
  // Is there room for more? False: the output stays in the pipe until resume_output().
  [[nodiscard]] virtual bool has_room(OutputStream /*stream*/) { return true; }

 protected:
  ~OutputSink() = default;
};

class ProcessObserver {
 public:
  // Its parent has started it: it has a pid now. Comes before every event, except those of one that was never
  // started.
  virtual void on_begun() = 0;
  // The Process may be destroyed here, as in any callback; spawn::Gone is the last event.
  virtual void on(const spawn::ProcessEvent& event) = 0;

 protected:
  ~ProcessObserver() = default;
};

// Who is told; both must outlive the Process.
struct ProcessOwner {
  ProcessObserver& observer;
  OutputSink& output;
};

// How long a process may take; tests are less patient.
struct ProcessTimes {
  base::Duration spawn = std::chrono::seconds(10);       // from the start to the program's exec
  base::Duration unkillable = std::chrono::seconds(10);  // from SIGKILL to the tree's end
};

// What a Process needs; all of it must outlive the Process.
struct ProcessSurroundings {
  loop::Loop& loop;
  Parent& parent;
  ProcessLooker& looker;
  const CgroupHome* cgroups = nullptr;  // null: no process gets one
};

}  // namespace gracevisor::process
