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

struct Pipes {
  std::unique_ptr<OutputPipe>& ours;
  base::UniqueFd& theirs;
  base::UniqueFd& kept;
};

// All descriptors of the helper but the plan, and our ends.
base::Expected<void> open_ends(loop::Loop& loop, const spawn::SpawnPlan& plan, Launch& launch) {
  ChildOrder& order = launch.order;
  Beginning& beginning = launch.beginning;
  auto in = plan.in >= 0 ? base::duplicate(plan.in, spawn::kLowestSource) : open_null();
  if (!in) return std::unexpected(in.error());
  order.fds.in = std::move(*in);
  if (plan.listener >= 0) {
    auto listener = base::duplicate(plan.listener, spawn::kLowestSource);
    if (!listener) return std::unexpected(listener.error());
    order.fds.listener = std::move(*listener);
  }
  for (const Pipes& end : {Pipes{beginning.out, order.fds.out, order.kept_out},
                           Pipes{beginning.err, order.fds.err, order.kept_err}}) {
    auto pipe = OutputPipe::create(loop);
    if (!pipe) return std::unexpected(pipe.error());
    auto copy = (*pipe)->copy_of_our_end();
    if (!copy) return std::unexpected(copy.error());
    end.kept = std::move(*copy);
    end.theirs = (*pipe)->take_process_end();
    end.ours = std::move(*pipe);
  }
  if (plan.out >= 0) {
    auto out = base::duplicate(plan.out, spawn::kLowestSource);
    if (!out) return std::unexpected(out.error());
    order.fds.out = std::move(*out);
  }
  auto report = ReportPipe::create();
  if (!report) return std::unexpected(report.error());
  auto copy = (*report)->copy_of_our_end();
  if (!copy) return std::unexpected(copy.error());
  order.kept_report = std::move(*copy);
  order.fds.report = (*report)->take_helper_end();
  beginning.report = std::move(*report);
  return {};
}

// Does its program run? A living process whose end of the pipe is closed has executed it, whatever a former
// daemon has read of the report.
bool runs(ReportPipe& report) {
  return report.read_to_end() && (report.empty() || !report.failure());
}

}  // namespace

std::expected<Launch, spawn::SpawnFailed> prepare_launch(loop::Loop& loop, const spawn::SpawnPlan& plan,
                                                         ChildName name) {
  Launch launch;
  launch.order.name = std::move(name);
  auto sealed = sealed_plan(plan);
  if (!sealed) return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::memfd, sealed.error().code});
  launch.order.fds.plan = std::move(*sealed);
  if (auto opened = open_ends(loop, plan, launch); !opened) {
    return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::pipe, opened.error().code});
  }
  launch.beginning.marks = marks_of(plan);
  if (!plan.cgroup.empty()) launch.beginning.cgroup.emplace(plan.cgroup);
  return launch;
}

Beginning take_over(loop::Loop& loop, FoundChild found, std::optional<inspect::ProcessMarks> marks) {
  Beginning beginning;
  beginning.marks = std::move(marks);
  beginning.cgroup = std::move(found.cgroup);
  for (auto [pipe, fd] : {std::pair(&beginning.out, &found.out), std::pair(&beginning.err, &found.err)}) {
    if (!*fd) continue;
    if (auto opened = OutputPipe::of(loop, std::move(*fd))) *pipe = std::move(*opened);
  }
  if (found.report) {
    auto report = ReportPipe::of(std::move(found.report));
    if (report && !runs(**report)) beginning.report = std::move(*report);
  }
  beginning.process = Spawned{found.pid, std::move(found.pidfd)};
  return beginning;
}

}  // namespace gracevisor::process
