// Starting a program: the plan is sealed, the pipes are opened, and only then does the parent start the
// spawn helper with them. From then on the process is followed by its Life (life.h). Thread: the
// supervisor's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"
#include "inspect/process_table.h"
#include "loop/loop.h"
#include "process/output_pipe.h"
#include "process/parent.h"
#include "process/report_pipe.h"
#include "spawn/plan.h"

namespace gracevisor::process {

// What a Life begins with, in the same turn of the loop.
struct Launched {
  Parent::Spawned process;
  std::unique_ptr<OutputPipe> out;
  std::unique_ptr<OutputPipe> err;
  std::unique_ptr<ReportPipe> report;  // null: its program is running already
  // The marks by which its orphans are recognised; unset: they are not recognised.
  std::optional<inspect::ProcessMarks> marks;
};

// An error means that no child exists.
[[nodiscard]] std::expected<Launched, spawn::SpawnFailed> launch(loop::Loop& loop, Parent& parent,
                                                                 const spawn::SpawnPlan& plan);

}  // namespace gracevisor::process
