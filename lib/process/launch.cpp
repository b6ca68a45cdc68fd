#include "process/launch.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "spawn/launcher.h"
#include "spawn/plan_codec.h"

namespace gracevisor::process {
namespace {

// An instance number alone would also match other apps' instances.
std::optional<inspect::ProcessMarks> marks_of(const spawn::SpawnPlan& plan) {
  std::string environment;
  for (const auto& entry : plan.environment) environment += entry + '\0';
  auto marks = inspect::marks_in(environment);
  return marks && !marks->instance.empty() ? marks : std::nullopt;
}

base::Expected<base::UniqueFd> sealed_plan(const spawn::SpawnPlan& plan) {
  auto sealed = spawn::seal_plan(plan);
  if (!sealed) return std::unexpected(sealed.error());
  return base::duplicate(sealed->get(), spawn::kLowestSource);
}

base::Expected<base::UniqueFd> open_null() {
  base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return base::fail_errno("cannot open /dev/null", errno);
  return base::duplicate(null.get(), spawn::kLowestSource);
}

// All descriptors of the helper but the plan; ours go into `launched`.
base::Expected<void> open_ends(loop::Loop& loop, const spawn::SpawnPlan& plan, spawn::HelperFds& fds,
                               Launched& launched) {
  auto null = open_null();
  if (!null) return std::unexpected(null.error());
  fds.in = std::move(*null);
  if (plan.listener >= 0) {
    auto listener = base::duplicate(plan.listener, spawn::kLowestSource);
    if (!listener) return std::unexpected(listener.error());
    fds.listener = std::move(*listener);
  }
  for (auto [ours, theirs] : {std::pair(&launched.out, &fds.out), std::pair(&launched.err, &fds.err)}) {
    auto pipe = OutputPipe::create(loop);
    if (!pipe) return std::unexpected(pipe.error());
    *ours = std::move(*pipe);
    *theirs = (*ours)->take_process_end();
  }
  auto report = ReportPipe::create(loop);
  if (!report) return std::unexpected(report.error());
  launched.report = std::move(*report);
  fds.report = launched.report->take_helper_end();
  return {};
}

}  // namespace

std::expected<Launched, spawn::SpawnFailed> launch(loop::Loop& loop, Parent& parent,
                                                   const spawn::SpawnPlan& plan) {
  spawn::HelperFds fds;
  auto sealed = sealed_plan(plan);
  if (!sealed) return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::memfd, sealed.error().code});
  fds.plan = std::move(*sealed);
  Launched launched;
  if (auto opened = open_ends(loop, plan, fds, launched); !opened) {
    return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::pipe, opened.error().code});
  }
  launched.marks = marks_of(plan);
  auto spawned = parent.spawn(fds);
  if (!spawned) return std::unexpected(spawned.error());
  launched.process = std::move(*spawned);
  return launched;
}

}  // namespace gracevisor::process
