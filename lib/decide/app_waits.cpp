// The commands that wait for a start, a stop or an abort, and what they are told when it is done.
#include <fmt/format.h>

#include <algorithm>

#include "decide/app.h"
#include "decide/explain.h"
#include "decide/fact_receipt.h"

namespace gracevisor::decide {

void App::advance_waits() {
  std::erase_if(waits_, [this](Wait& wait) {
    switch (wait.what) {
      case Wait::For::healthy: return settle_start(wait);
      case Wait::For::scaled: return settle_scale(wait);
      case Wait::For::stopped: return settle_stop(wait);
      case Wait::For::killed: return settle_kill(wait);
      case Wait::For::removed: return settle_remove(wait);
      case Wait::For::aborted: return settle_abort(wait);
    }
    return true;
  });
}

// Done when nothing runs and it is known whether the stop will outlast the daemon.
bool App::settle_stop(Wait& wait) {
  if (wanted_) {
    wait.report->finish(knowledge_.now(), "failed", "started again meanwhile", ExitCode::aborted);
    return true;
  }
  if (!ended() || records_.asks(wait.serial)) return false;
  std::string what = live_ != nullptr ? live_->name() : name_;
  if (const auto& trouble = records_.trouble()) {
    wait.report->add(
        knowledge_.now(), "record",
        fmt::format("could not be written: {}; until it is, a restart of the daemon starts {} again",
                    trouble->cause, name_));
  }
  what += killed_text();
  // The daemon's shutdown also stops it, but not beyond that.
  if (stopped_) what += fmt::format(", stays stopped: gvctl start {}", name_);
  ReportLine line{.phase = "stopped", .text = std::move(what), .exit = ExitCode::done};
  for (const auto& generation : generations_) {
    for (const auto& instance : generation->instances()) {
      if (!instance->last_exit()) continue;
      line.stopped.push_back(stopped_instance(instance->identity(), *instance->last_exit()));
    }
  }
  wait.report->add(knowledge_.now(), std::move(line));
  return true;
}

bool App::settle_kill(Wait& wait) {
  const auto is_there = [this](const Identity& who) {
    const Instance* instance = find(who);
    return instance != nullptr && instance->alive();
  };
  if (std::ranges::any_of(wait.killed, is_there)) return false;
  const auto stuck = std::ranges::find_if(wait.killed, [&](const Identity& who) {
    const Instance* instance = find(who);
    return instance != nullptr && instance->unkillable();
  });
  if (stuck != wait.killed.end()) {
    wait.report->finish(knowledge_.now(), "failed",
                        fmt::format("{}@{} is stuck in the kernel, and no signal ends it: gvctl status {}",
                                    name_, routing::instance_name(*stuck), name_),
                        ExitCode::failed);
    return true;
  }
  const bool again = std::ranges::any_of(wait.killed, [this](const Identity& who) {
    return wanted_ && live_ != nullptr && who.generation == live_->id();
  });
  wait.report->finish(
      knowledge_.now(), "done",
      again ? fmt::format("killed; started again after the back-off: gvctl status {}", name_) : "killed",
      ExitCode::done);
  return true;
}

// An instance that does not end when it is asked to loses what it had under way: " (killed after 3.0 s)".
std::string App::killed_text() const {
  std::optional<base::Duration> longest;
  if (live_ == nullptr) return "";
  for (const auto& instance : live_->instances()) {
    if (instance->unkillable()) {
      return fmt::format(" (but {} is stuck in the kernel, and no signal ends it)",
                         routing::instance_name(instance->identity()));
    }
    longest = std::max(longest, instance->killed_after());
  }
  if (!longest) return "";
  return fmt::format(" (killed after {:.1f} s)", std::chrono::duration<double>(*longest).count());
}

bool App::settle_remove(Wait& wait) {
  if (!removed()) return false;
  if (const auto& trouble = records_.trouble()) {
    wait.report->add(
        knowledge_.now(), "record",
        fmt::format("could not be written: {}; if the files name {} again, a restart of the daemon "
                    "starts what it was",
                    trouble->cause, name_));
  }
  wait.report->finish(knowledge_.now(), "removed", name_, ExitCode::done);
  return true;
}

bool App::settle_abort(Wait& wait) {
  if (!wait.deploy->finished()) return false;
  wait.report->finish(knowledge_.now(), "aborted", wait.deploy->lines().back().text, ExitCode::done);
  return true;
}

bool App::settle_start(Wait& wait) {
  if (!wanted_) {
    wait.report->finish(knowledge_.now(), "failed", "stopped meanwhile", ExitCode::aborted);
    return true;
  }
  tell_places(wait);
  if (live_->all_healthy()) {
    wait.report->add(knowledge_.now(), "healthy", fmt::format("{}/{}", live_->healthy(), live_->wanted()));
    wait.report->finish(knowledge_.now(), "done", live_->name(), ExitCode::done);
    effects_.tell({knowledge_.now(), name_, fact::Started{live_->id()}});
    return true;
  }
  return settle_failure(wait);
}

// The processes that the command started: those that ran before are left out.
void App::tell_places(Wait& wait) const {
  const auto& instances = live_->instances();
  const auto unplaced = [](const auto& one) {
    return one->queued() || one->state() == InstanceState::spawning;
  };
  if (wait.placed || std::ranges::any_of(instances, unplaced)) return;
  wait.placed = true;
  fact::Placed placed;
  for (const auto& instance : instances) {
    if (instance->spawned_at() < wait.report->began()) continue;
    const Whereabouts where = knowledge_.place(instance->identity());
    if (where.pid != 0) placed.places.emplace_back(instance->identity(), where);
  }
  if (placed.places.empty()) return;
  effects_.tell({knowledge_.now(), name_, std::move(placed)}, wait.report.get());
}

// Done when the difference has started, or has drained and stopped.
bool App::settle_scale(Wait& wait) {
  const auto finish = [&](std::string text) {
    wait.report->finish(knowledge_.now(), "done", std::move(text), ExitCode::done);
    return true;
  };
  if (removing_) {
    wait.report->finish(knowledge_.now(), "failed", name_ + " is being removed", ExitCode::aborted);
    return true;
  }
  if (!wanted_) {
    return finish(fmt::format("{} is stopped: it will have {} instances", name_, live_->wanted()));
  }
  // What was not healthy before the command is not waited for, as long as it is not.
  std::set<base::Slot> unwell = live_->unwell();
  std::erase_if(unwell, [&](base::Slot slot) { return wait.unwell.contains(slot); });
  if (!unwell.empty()) return settle_failure(wait);
  if (live_->instances().size() > live_->wanted()) return false;  // they drain
  std::string ready = fmt::format("{} {}/{} healthy", live_->name(), live_->healthy(), live_->wanted());
  if (!live_->all_healthy()) ready += fmt::format(" (the others were not before: gvctl status {})", name_);
  if (!live_->spec()->app.scaled_from) return finish(ready + ", as the files say");
  return finish(fmt::format("{}, until the files give another number: gvctl scale {} file", ready, name_));
}

// Has one exited, or is its time over? Otherwise the others are waited for. While one waits for its turn to
// start, its time has not begun.
bool App::settle_failure(Wait& wait) {
  if (const Instance* lost = live_->first_failure(wait.unwell)) {
    fail_start(*lost, ExitCode::exited_before_healthy, *wait.report);
    return true;
  }
  const auto late = std::ranges::find_if(live_->instances(), [&](const auto& i) {
    if (i->routable() || i->queued() || wait.unwell.contains(i->identity().slot)) return false;
    // Its own time is over, which may have begun before the command.
    if (i->late()) return true;
    const base::TimePoint began = i->coming_up() ? i->start_began() : wait.report->began();
    return knowledge_.now() - began >= live_->spec()->app.deploy.timeout;
  });
  if (late == live_->instances().end()) return false;
  fail_start(**late, ExitCode::health_timeout, *wait.report);
  return true;
}

// The same report as of a deploy that fails; but what was started goes on.
void App::fail_start(const Instance& culprit, ExitCode exit, Report& report) {
  Explanation why = explain(culprit, {effects_, knowledge_}, report);
  if (why.wrote) report.add(knowledge_.now(), "next", "gvctl logs " + live_->name());
  fact::StartFailed failed{live_->id(), exit, knowledge_.now() - report.began(), std::move(why.cause),
                           why.executed};
  failed.late = exit == ExitCode::health_timeout && (culprit.coming_up() || culprit.late());
  failed.again = failed.late ? live_->spec()->app.restart.policy != config::Restart::Policy::never
                             : culprit.state() == InstanceState::backoff;
  failed.healthy = live_->healthy();
  failed.instances = live_->wanted();
  effects_.tell({knowledge_.now(), name_, std::move(failed)}, &report);
  start_failure_ = {report.lines().back().text, last_words_of(culprit, knowledge_)};
}

}  // namespace gracevisor::decide
