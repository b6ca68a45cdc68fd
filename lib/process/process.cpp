#include "process/process.h"

#include <utility>

#include "process/launch.h"

namespace gracevisor::process {

std::expected<std::unique_ptr<Process>, spawn::SpawnFailed> Process::start(const ProcessSurroundings& around,
                                                                           const spawn::SpawnPlan& plan,
                                                                           const ProcessOwner& owner,
                                                                           const EndRules& rules,
                                                                           const ProcessTimes& times) {
  auto launched = launch(around.loop, around.parent, plan);
  if (!launched) return std::unexpected(launched.error());
  return std::make_unique<Process>(around.loop,
                                   std::make_unique<Life>(around, std::move(*launched), owner, rules, times));
}

Process::~Process() {
  life_->fall_silent();
  loop_.retire(std::move(life_));
}

}  // namespace gracevisor::process
