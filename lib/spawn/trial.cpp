#include "spawn/trial.h"

#include <cerrno>
#include <utility>

#include "spawn/helper_process.h"
#include "spawn/plan_codec.h"
#include "spawn/report.h"

namespace gracevisor::spawn {

bool asks_for_rights(const SpawnPlan& plan) {
  return plan.limits != Limits() || plan.capabilities != 0 || plan.private_tmp || !plan.read_only.empty();
}

std::optional<SpawnFailed> try_out(const Launcher& launcher, SpawnPlan plan,
                                   std::chrono::milliseconds patience) {
  plan.trial = true;
  plan.listener = -1;
  auto sealed = seal_plan(plan);
  if (!sealed) return SpawnFailed{SpawnStage::memfd, sealed.error().code};
  auto pipe = base::make_pipe();
  if (!pipe) return SpawnFailed{SpawnStage::pipe, pipe.error().code};
  if (auto set = base::set_nonblocking(pipe->read_end.get()); !set)
    return SpawnFailed{SpawnStage::pipe, set.error().code};
  auto helper = HelperProcess::start(launcher, *sealed, pipe->write_end);
  if (!helper) return SpawnFailed{SpawnStage::spawn, helper.error().code};
  pipe->write_end.reset();
  SpawnReport report(std::move(pipe->read_end));
  const auto end = std::chrono::steady_clock::now() + patience;
  do {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (!wait_to_read(report.fd(), left)) return SpawnFailed{SpawnStage::timeout, 0};
  } while (!report.read_to_end());
  helper->answered();
  return report.failure();
}

}  // namespace gracevisor::spawn
