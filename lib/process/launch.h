// Starting a program: the plan is sealed, the pipes are opened, and only then is the parent given the order.
// And its counterpart: what a daemon takes over of a process that a former one started. Either way the
// process is followed by its Life (life.h) from then on. Thread: the supervisor's.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "inspect/process_table.h"
#include "loop/loop.h"
#include "process/cgroup.h"
#include "process/output_pipe.h"
#include "process/parent.h"
#include "process/report_pipe.h"
#include "spawn/plan.h"

namespace gracevisor::process {

// What a Life begins with, in the same turn of the loop.
struct Beginning {
  std::optional<Spawned> process;  // unset: it is ordered, and its parent will tell
  std::unique_ptr<OutputPipe> out;
  std::unique_ptr<OutputPipe> err;
  std::unique_ptr<ReportPipe> report;  // null: its program is running already
  // By which what comes from it is recognised. Unset marks: its orphans are not.
  std::optional<inspect::ProcessMarks> marks;
  std::optional<Cgroup> cgroup;
};

struct Launch {
  Beginning beginning;
  ChildOrder order;
};
// Everything but the order itself. An error means that no child will exist.
[[nodiscard]] std::expected<Launch, spawn::SpawnFailed> prepare_launch(loop::Loop& loop,
                                                                       const spawn::SpawnPlan& plan,
                                                                       ChildName name);

// A process of a former daemon, as the parent lists it.
struct FoundChild {
  pid_t pid = 0;
  std::optional<spawn::ExitStatus> ended;  // unset: it lives
  base::UniqueFd pidfd;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd report;
  std::optional<Cgroup> cgroup = {};
};
// A pipe that cannot be read any more is left out: the process is followed all the same.
[[nodiscard]] Beginning take_over(loop::Loop& loop, FoundChild found,
                                  std::optional<inspect::ProcessMarks> marks);

}  // namespace gracevisor::process
