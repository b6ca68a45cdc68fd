// What a command under way is doing at this moment, for people who watch it: "draining @41: 3 left after 2.3
// s".
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "decide/app.h"

namespace gracevisor::decide {
namespace {

double seconds(base::Duration duration) {
  return std::max(std::chrono::duration<double>(duration).count(), 0.0);
}

std::ptrdiff_t alive(const Generation& generation) {
  return std::ranges::count_if(generation.instances(), [](const auto& one) { return one->alive(); });
}

std::uint64_t in_flight(const Generation& generation, const Knowledge& knowledge) {
  std::uint64_t sum = 0;
  for (const auto& instance : generation.instances()) sum += knowledge.counts(instance->identity()).in_flight;
  return sum;
}

std::string coming_up(const Generation& generation) {
  std::string text = fmt::format("{} of {} healthy", generation.healthy(), generation.wanted());
  if (const std::size_t queued = generation.queued(); queued > 0) {
    text += fmt::format(", {} {} for a place to start", queued, queued == 1 ? "waits" : "wait");
  }
  const auto late = std::ranges::find_if(generation.instances(), [](const auto& one) {
    return !one->routable() && one->alive() && !one->probe_text().empty();
  });
  if (late != generation.instances().end()) text += ", last probe: " + (*late)->probe_text();
  return text;
}

std::string going_down(const Generation& generation) {
  const std::ptrdiff_t left = alive(generation);
  return left == 0 ? ""
                   : fmt::format("stopping @{}: {} of {} still run", generation.id().value(), left,
                                 generation.instances().size());
}

}  // namespace

std::string Deploy::drain_progress() const {
  if (old_ == nullptr || old_->drained()) return "";
  return fmt::format("draining @{}: {} left after {:.1f} s", old_->id().value(), old_counts().in_flight,
                     seconds(knowledge_.now() - cutover_at_));
}

std::string Deploy::progress() const {
  std::string drain = drain_progress();
  switch (phase_) {
    case Phase::checking:
      return fmt::format("@{}: {}{}", candidate_.id().value(),
                         until() ? fmt::format("{:.0f} s left, ", seconds(*until() - knowledge_.now())) : "",
                         coming_up(candidate_));
    case Phase::guarding: {
      const std::string guard =
          fmt::format("guard: {:.0f} s left", seconds(*guard_until_ - knowledge_.now()));
      return drain.empty() ? guard : drain + "; " + guard;
    }
    case Phase::finishing:
      if (!drain.empty()) return drain;
      return old_ == nullptr ? "" : going_down(*old_);
    case Phase::aborting:
    case Phase::rolling_back: return going_down(candidate_);
    case Phase::recording:
    case Phase::adopting:
    case Phase::confirming:
    case Phase::ended: return "";
  }
  return "";
}

std::string App::leaving_progress() const {
  std::uint64_t left = 0;
  std::ptrdiff_t running = 0;
  bool drains = false;
  for (const auto& generation : generations_) {
    left += in_flight(*generation, knowledge_);
    running += alive(*generation);
    drains = drains || !generation->drained();
  }
  if (drains && left > 0) return fmt::format("draining: {} left", left);
  return running == 0 ? "" : fmt::format("stopping: {} still run", running);
}

std::string App::progress(const Wait& wait) const {
  switch (wait.what) {
    case Wait::For::healthy: return live_ == nullptr ? "" : coming_up(*live_);
    case Wait::For::scaled: {
      if (live_ == nullptr) return "";
      if (!live_->all_healthy()) return coming_up(*live_);
      const std::size_t all = live_->instances().size();
      return all <= live_->wanted() ? "" : fmt::format("stopping: {} still run", all - live_->wanted());
    }
    case Wait::For::stopped:
    case Wait::For::removed:
    case Wait::For::killed: return leaving_progress();
    case Wait::For::aborted: return progress(*wait.deploy);
  }
  return "";
}

std::string App::progress(const Report& report) const {
  if (deploy_ != nullptr && deploy_->report().get() == &report) return deploy_->progress();
  for (const auto& deploy : finishing_) {
    if (deploy->report().get() == &report) return deploy->progress();
  }
  const auto wait =
      std::ranges::find_if(waits_, [&](const Wait& one) { return one.report.get() == &report; });
  return wait == waits_.end() ? "" : progress(*wait);
}

}  // namespace gracevisor::decide
