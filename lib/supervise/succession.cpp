// An upgrade, as the supervisors of both daemons see it: one of them acts at a time.
#include <fmt/format.h>

#include <utility>

#include "base/counted.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

constexpr base::Duration kLookAgain = base::Millis(250);

}  // namespace

std::optional<std::string> Supervisor::in_the_way() const {
  if (shutdown_.begun()) return "the daemon is shutting down";
  if (standing_ != Standing::owner) return "an upgrade is under way";
  if (!accepting_ || booting()) return "apps are still being started";
  if (world_->ends_strangers()) return "processes that a former daemon left are still being ended";
  if (reloading_ || reload_asked_) return "a reload is under way";
  for (const auto& [id, entry] : apps_) {
    if (auto busy = busy_with(entry)) return busy;
  }
  return std::nullopt;
}

std::optional<std::string> Supervisor::busy_with(const AppEntry& entry) const {
  const decide::App& app = *entry.app;
  if (const auto free = app.can_deploy(); !free) return free.error().why;
  if (app.unfinished_deploy() != nullptr)
    return fmt::format("the deploy of {} still ends what it replaced", app.name());
  if (const auto report = app.under_way())
    return fmt::format("{} of {} is under way", report->command().verb, app.name());
  std::vector<Identity> draining;
  app.add_draining(draining);
  if (!draining.empty())
    return fmt::format("{}@{} drains", app.name(), routing::instance_name(draining.front()));
  // The successor goes by what is recorded.
  if (!app.recorded()) return fmt::format("the record of {} is being written", app.name());
  std::uint64_t held = 0;
  for (const routing::AppCell& cell : world_->holdings(entry.app->id()).ledger->cells)
    held += cell.waiting.read();
  if (held == 0) return std::nullopt;
  return fmt::format("{} of {} wait for an instance", base::counted(held, "request", "requests"), app.name());
}

succession::Reattached Supervisor::reattached() const {
  succession::Reattached up{GV_VERSION, apps_.size(), 0, 0};
  for (const auto& [who, run] : world_->runs().all()) {
    if (run->running()) ++up.instances;
  }
  up.listeners = listeners_.listed().size();
  return up;
}

// What workers and probes say, to find out whether it could serve; nothing is done about anything else.
void Supervisor::turn_without_acting() {
  publisher_.drop_passed_tables();
  if (standing_ != Standing::successor) return;
  read_reports();
  notice_adoption();
  if (!trusted_ && reattached_serve()) accept();
  if (world_->take_dirty()) publish();
  if (trusted_ && ready_ && publisher_.adopted_by_all() >= publisher_.epoch()) std::exchange(ready_, {})();
  slow_timer_.start(kLookAgain);
}

void Supervisor::own(std::unique_ptr<Predecessor> former, std::function<void()> accepts) {
  standing_ = Standing::owner;
  predecessor_ = std::move(former);
  if (predecessor_) {
    for (const auto& [who, run] : world_->runs().all()) {
      if (run->endpoint()) predecessor_->had(run->spec()->app.name, who);
    }
  }
  accepts_ = std::move(accepts);
  accepting_ = true;
  accepting_since_ = publisher_.next_epoch();
  world_->let_go();
  boot_as_owner();
  (void)world_->publish();
  turn();
}

void Supervisor::follow_predecessor() {
  if (accepts_ && publisher_.entered_by_all() >= accepting_since_) std::exchange(accepts_, {})();
  // What cannot be sent now is sent by a later turn: awaits_others().
  if (predecessor_) predecessor_->send(now());
}

void Supervisor::predecessor_ended() {
  predecessor_.reset();
  (void)world_->publish();
}

void Supervisor::freeze(std::function<void()> done) {
  standing_ = Standing::frozen;
  app_folder_.reset();
  missing_timer_.stop();
  world_->keep_slots();
  world_->when_written(std::move(done));
}

void Supervisor::thaw() {
  standing_ = Standing::owner;
  watch_app_folder();
  notice_missing();
  turn();
}

std::unique_ptr<Departure> Supervisor::depart(base::Duration drain_timeout,
                                              std::function<void(succession::OutputRead)> read,
                                              std::function<void()> changed) {
  standing_ = Standing::departed;
  observation_.reset();
  succession::OutputRead unfinished{world_->stop_reading()};
  world_->abandon();
  world_->when_written([read = std::move(read), unfinished] { read(unfinished); });
  return std::make_unique<Departure>(loop_, publisher_, Departure::Settings{drain_timeout, workers_, ports_},
                                     std::move(changed));
}

}  // namespace gracevisor::supervise
