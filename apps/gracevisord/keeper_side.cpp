#include "keeper_side.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/one_line.h"
#include "build_id.h"

namespace gracevisor::daemon {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kLife = std::chrono::seconds(5);
constexpr milliseconds kWatchdog = std::chrono::seconds(30);
// What is added to the service manager's patience each kLife while the daemon drains.
constexpr std::chrono::microseconds kMoreTime = std::chrono::seconds(15);

}  // namespace

base::Expected<std::unique_ptr<KeeperSide>> KeeperSide::create(loop::Loop& loop, base::Log& log, Found found,
                                                               const spawn::Launcher& launcher,
                                                               std::function<void()> on_gone) {
  auto link = keeper::Link::open(loop, std::move(found.client));
  if (!link) return std::unexpected(link.error());
  std::unique_ptr<KeeperSide> side(
      new KeeperSide(loop, log, std::move(*link), std::move(found), launcher, std::move(on_gone)));
  side->link_->listen(*side);
  side->held_.connect(*side->link_);
  if (side->facts_.role != keeper::Whom::successor) {
    side->predecessor_ = side->facts_.predecessor;
  } else {
    side->owner_ = false;
    side->link_->pause();
    side->parent_.pause();
  }
  return side;
}

KeeperSide::KeeperSide(loop::Loop& loop, base::Log& log, std::unique_ptr<keeper::Link> link, Found found,
                       const spawn::Launcher& launcher, std::function<void()> on_gone)
    : log_(log),
      facts_(found.keeper),
      link_(std::move(link)),
      held_(std::move(found.held.names),
            [this](const std::string& name, const base::Error& error) { tell_not_held(name, error); }),
      parent_(loop, *link_, launcher, facts_.keeper),
      on_gone_(std::move(on_gone)),
      life_timer_(loop, [this] { show_life(); }) {}

// It is served as before, but not by the next daemon.
void KeeperSide::tell_not_held(const std::string& name, const base::Error& error) {
  log_.error(R"(keeper held=no name="{}" cause="{}")", name, base::quotable(error.what));
}

control::KeeperStatus KeeperSide::status() const {
  control::KeeperStatus status{facts_.keeper, facts_.version, facts_.starts, ""};
  if (facts_.last.how != keeper::How::lives) status.last_end = text(keeper::as_status(facts_.last));
  return status;
}

void KeeperSide::tell_restart(bool safe) const {
  const control::KeeperStatus now = status();
  log_.warning("restarted start={} former=\"{}\" keeper={} build={}", now.starts, now.last_end, now.pid,
               build_id());
  if (!safe) return;
  log_.error(
      "safe cause=\"{} daemons ended at once, one after the other: routes stay as they were, no probe "
      "condemns an instance, no deploy, no reload\"",
      facts_.deaths);
}

void KeeperSide::serving(std::function<base::Millis()> shutdown_timeout) {
  shutdown_timeout_ = std::move(shutdown_timeout);
  tell_policy();
  link_->serving([this](std::expected<keeper::Done, keeper::Refused> answer) {
    if (answer) {
      log_.info("kept keeper={}", facts_.keeper);
    } else {
      log_.error("keeper pid={} cause=\"it does not take this daemon for one that serves\"", facts_.keeper);
    }
  });
  link_->notify("READY=1");
  life_timer_.start(kLife);
}

void KeeperSide::commit(std::function<void(bool)> answered) {
  link_->serving([answered = std::move(answered)](std::expected<keeper::Done, keeper::Refused> answer) {
    answered(answer.has_value());
  });
}

void KeeperSide::own(std::function<base::Millis()> shutdown_timeout, pid_t former) {
  owner_ = true;
  predecessor_ = former;
  shutdown_timeout_ = std::move(shutdown_timeout);
  link_->resume();
  show_life();
}

void KeeperSide::end_predecessor() {
  if (predecessor_ != 0) link_->end(keeper::Whom::predecessor, {});
}

void KeeperSide::end_successor() {
  link_->end(keeper::Whom::successor, {});
}

void KeeperSide::resume() {
  parent_.resume();
  link_->resume();
}

void KeeperSide::tell_policy() {
  const base::Millis timeout = shutdown_timeout_();
  if (std::exchange(told_timeout_, timeout) != timeout) link_->set_policy(timeout, kWatchdog);
}

void KeeperSide::stopping() {
  if (std::exchange(stopping_, true)) return;
  link_->notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}", kMoreTime.count()));
}

void KeeperSide::end(int status) {
  life_timer_.stop();
  if (owner_) link_->bye(status);
}

void KeeperSide::show_life() {
  life_timer_.start(kLife);
  tell_policy();
  if (stopping_) {
    link_->notify(fmt::format("EXTEND_TIMEOUT_USEC={}", kMoreTime.count()));
  } else {
    link_->alive();
  }
}

void KeeperSide::on_superseded(const keeper::Superseded& /*by*/) {
  owner_ = false;
  life_timer_.stop();
  superseded_();
}

void KeeperSide::on_daemon_ended(const keeper::DaemonEnded& daemon) {
  if (daemon.facts.whom == keeper::Whom::predecessor) predecessor_ = 0;
  daemon_ended_(daemon.facts);
}

void KeeperSide::on_keeper_gone() {
  log_.error("keeper pid={} cause=\"it is gone: nothing can be started any more, so everything ends\"",
             facts_.keeper);
  life_timer_.stop();
  parent_.on_keeper_gone();
  on_gone_();
}

}  // namespace gracevisor::daemon
