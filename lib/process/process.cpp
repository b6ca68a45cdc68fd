#include "process/process.h"

#include <utility>

namespace gracevisor::process {

std::expected<std::unique_ptr<Process>, spawn::SpawnFailed> Process::start(
    const ProcessSurroundings& around, const spawn::SpawnPlan& plan, ChildName name,
    const ProcessOwner& owner, const EndRules& rules, const ProcessTimes& times) {
  auto launch = prepare_launch(around.loop, plan, std::move(name));
  if (!launch) return std::unexpected(launch.error());
  auto life = std::make_unique<Life>(around, std::move(launch->beginning), owner, rules, times);
  life->order(std::move(launch->order));
  return std::make_unique<Process>(around.loop, std::move(life));
}

std::unique_ptr<Process> Process::reattach(const ProcessSurroundings& around, FoundChild found,
                                           std::optional<inspect::ProcessMarks> marks,
                                           const ProcessOwner& owner, const EndRules& rules,
                                           const ProcessTimes& times) {
  const auto ended = found.ended;
  auto life = std::make_unique<Life>(around, take_over(around.loop, std::move(found), std::move(marks)),
                                     owner, rules, times);
  life->follow(ended);
  return std::make_unique<Process>(around.loop, std::move(life));
}

Process::~Process() {
  life_->fall_silent();
  loop_.retire(std::move(life_));
}

}  // namespace gracevisor::process
