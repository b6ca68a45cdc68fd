// The commands that wait for a start, a stop or an abort, and what they are told when it is done.
#include <fmt/format.h>

#include "decide/app.h"

namespace gracevisor::decide {

void App::advance_waits() {
  std::erase_if(waits_, [this](Wait& wait) {
    switch (wait.what) {
      case Wait::For::healthy: return settle_start(wait);
      case Wait::For::stopped: return settle_stop(wait);
      case Wait::For::aborted: return settle_abort(wait);
    }
    return true;
  });
}

// Done when nothing runs and it is known whether the stop will outlast the daemon.
bool App::settle_stop(Wait& wait) {
  if (wanted_) {
    wait.report->finish(effects_.now(), "failed", "started again meanwhile", ExitCode::aborted);
    return true;
  }
  if (!ended() || records_.asked()) return false;
  std::string what = live_ != nullptr ? live_->name() : name_;
  if (const auto& trouble = records_.trouble()) {
    wait.report->add(
        effects_.now(), "record",
        fmt::format("could not be written: {}; until it is, a restart of the daemon starts {} again",
                    trouble->cause, name_));
  }
  // The daemon's shutdown also stops it, but not beyond that.
  if (stopped_) what += fmt::format(", stays stopped: gvctl start {}", name_);
  wait.report->finish(effects_.now(), "stopped", what, ExitCode::done);
  return true;
}

bool App::settle_abort(Wait& wait) {
  if (!wait.deploy->finished()) return false;
  wait.report->finish(effects_.now(), "aborted", wait.deploy->lines().back().text, ExitCode::done);
  return true;
}

bool App::settle_start(Wait& wait) {
  if (!wanted_) {
    wait.report->finish(effects_.now(), "failed", "stopped meanwhile", ExitCode::aborted);
    return true;
  }
  if (live_->all_healthy()) {
    wait.report->add(effects_.now(), "healthy",
                     fmt::format("{}/{}", live_->healthy(), live_->instances().size()));
    wait.report->finish(effects_.now(), "done", live_->name(), ExitCode::done);
    effects_.tell({effects_.now(), name_, fact::Started{live_->id()}});
    return true;
  }
  if (const Instance* lost = live_->first_failure()) {
    wait.report->add(effects_.now(), "cause",
                     routing::instance_name(lost->identity()) + " " + text(*lost->last_exit()));
    for (const std::string& line : effects_.last_output(lost->identity(), 20)) {
      wait.report->add(effects_.now(), "", line);
    }
    bool again = lost->state() == InstanceState::backoff;
    wait.report->finish(effects_.now(), "failed",
                        fmt::format("{} exited before it was healthy{}", live_->name(),
                                    again ? "; it is started again after a back-off" : ""),
                        ExitCode::exited_before_healthy);
    return true;
  }
  base::Duration waited = effects_.now() - wait.report->began();
  if (waited < live_->spec()->app.deploy.timeout) return false;
  wait.report->finish(effects_.now(), "failed",
                      fmt::format("{}: {}/{} healthy; the others are still being probed", live_->name(),
                                  live_->healthy(), live_->instances().size()),
                      ExitCode::health_timeout);
  return true;
}

}  // namespace gracevisor::decide
