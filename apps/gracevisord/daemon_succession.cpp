// The daemon as the one of two that acts, and as the one that does not.
#include <utility>

#include "base/one_line.h"
#include "daemon.h"
#include "exit_status.h"

namespace gracevisor::daemon {

base::Expected<void> Daemon::prepare_succession(bool successor, base::UniqueFd channel) {
  if (successor) {
    if (!channel) return base::fail("the keeper gave no channel to the daemon that is to be followed");
    auto takeover = Takeover::create({*loop_, log_, *supervisor_, *keeper_, [this] { own_as_successor(); },
                                      [this] {
                                        if (std::exchange(stop_asked_, false)) stop();
                                      },
                                      [this] {
                                        status_ = kFailed;
                                        loop_->stop();
                                      }},
                                     succession::Channel(std::move(channel)));
    if (!takeover) return std::unexpected(takeover.error());
    takeover_ = std::move(*takeover);
  }
  upgrade_ = std::make_unique<Upgrade>(Upgrade::Around{
      *loop_, log_, *supervisor_, *keeper_, takeover_.get(), settings_.config_file,
      [this] { return base::Duration(settings_.config.daemon.upgrade_drain_timeout); },
      [this](bool acts) { act(acts); }, [this] { on_superseded(); }, [this] { loop_->stop(); }});
  keeper_->on_daemon_ended([this](const keeper::Daemon& daemon) { on_daemon_ended(daemon); });
  return {};
}

base::Expected<void> Daemon::begin_to_own() {
  acts_ = true;
  say_ready();
  if (restarted_) give_up_unclaimed();
  keeper_->held().leave_to_others(false);
  if (!restarted_ || takeover_) keeper_->held().hold(kHeldLauncher, launcher_.fd());
  return write_pid_file();
}

void Daemon::own_as_successor() {
  keeper_->own([this] { return supervisor_->shutdown_timeout(); }, takeover_->from());
  adjust_log(settings_.config.daemon.log);
  if (auto owns = begin_to_own(); !owns)
    log_.error("took-over cause=\"{}\"", base::quotable(owns.error().what));
  act(true);
}

void Daemon::act(bool acts) {
  acts_ = acts;
  writer_->tend_old_files(acts);
  if (!acts) return server_->pause();
  // What the other daemon wrote as the holder.
  name_holder(folder_.lock());
  if (state_lock_) name_holder(*state_lock_);
  if (auto resumed = server_->resume(); !resumed) {
    log_.error("control cause=\"{}\"", base::quotable(resumed.error().what));
  }
}

void Daemon::name_holder(const control::InstanceLock& lock) {
  if (auto named = lock.name_holder(); !named)
    log_.warning("lock cause=\"{}\"", base::quotable(named.error().what));
}

void Daemon::on_superseded() {
  keeper_->held().leave_to_others(true);
  pid_file_.reset();
  leave_log_unrotated();
  server_->leave(api_->upgrade_response());
}

void Daemon::on_daemon_ended(const keeper::Daemon& daemon) {
  upgrade_->on_daemon_ended(daemon);
  if (takeover_) {
    takeover_->on_daemon_ended(daemon);
  } else if (daemon.whom == keeper::Whom::predecessor) {
    supervisor_->predecessor_ended();
  }
}

}  // namespace gracevisor::daemon
