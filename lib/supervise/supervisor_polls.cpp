// What the supervisor polls in each turn: the state that the workers leave in mailboxes, tallies, marks and
// ledgers.
#include <memory>
#include <utility>
#include <vector>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {

void Supervisor::read_reports() {
  // All letters are read first, then acted upon: acting on one may end other runs.
  std::vector<std::pair<Identity, std::unique_ptr<routing::ProbeReport>>> reports;
  for (const auto& [who, run] : world_->runs().all()) {
    if (auto report = run->fetch_report()) reports.emplace_back(who, std::move(report));
  }
  for (auto& [who, report] : reports) {
    decide::App* app = decider(who.app);
    if (app == nullptr) continue;
    if ((settings_.safe || standing_ == Standing::successor) && report->last != routing::ProbeOutcome::passed)
      continue;
    decide::Probed probed{*report};
    if (app->needs_owner(who, *report)) probed.owner = world_->listener_owner(who);
    app->on(who, probed);
  }
}

void Supervisor::read_shortages() {
  if (shortages_.poll(now())) shortages_.tell(now(), budget(), log_);
}

// What nobody waits for: after each look of the sampler.
void Supervisor::note_tallies() {
  read_slow_streams();
  for (auto& [id, entry] : apps_) entry.rates.note(now(), answers_of(world_->knowledge().counts(id)));
}

void Supervisor::read_failures() {
  const base::TimePoint at = now();
  bool any = failures_.poll(publisher_.failures(), at);
  if (!any && !failures_.waiting(at)) return;
  for (auto& [id, entry] : apps_) {
    if (auto letter = any ? world_->holdings(id).ledger->last_failure.take() : nullptr)
      failures_.note(id, *letter);
    auto line = failures_.take_line(id, entry.app->name(), world_->knowledge().counts(id).failed, at);
    if (line) log_.write(base::LogLevel::warning, *line);
  }
}

void Supervisor::read_slow_streams() {
  if (standing_ != Standing::owner) return;
  for (const auto& [id, entry] : apps_) {
    std::uint64_t count = 0;
    for (const routing::AppCell& cell : world_->holdings(id).ledger->cells) count += cell.slow_streams.read();
    auto line = slow_streams_.take_line(id, entry.app->name(), count, now());
    if (line) log_.write(base::LogLevel::warning, *line);
  }
}

void Supervisor::notice_quiescence() {
  std::vector<Identity> draining;
  for (const auto& [id, entry] : apps_) entry.app->add_draining(draining);
  // All quiescent ones are collected first, then acted upon: acting on one may change others.
  std::erase_if(draining, [this](const Identity& who) {
    Run* run = world_->runs().find(who);
    return run != nullptr && run->endpoint() && !publisher_.quiescent(*run->endpoint(), run->listing());
  });
  for (const Identity& who : draining) apps_.at(who.app).app->on_quiescent(who);
}

void Supervisor::notice_adoption() {
  base::Epoch adopted = publisher_.adopted_by_all();
  if (adopted <= adopted_) return;
  adopted_ = adopted;
  for (auto& [id, entry] : apps_) entry.app->on_adopted(adopted);
}

// Is a ring of a worker, or an answer of the keeper, to be expected? It may be lost.
bool Supervisor::awaits_others() const {
  return publisher_.tables_kept() > 1 || adopted_ < publisher_.epoch() ||
         publisher_.entered_by_all() < publisher_.epoch() || listeners_.leaving() || shutdown_.begun() ||
         failures_.waiting(now()) || predecessor_ != nullptr || !boot_queue_.waiting().empty();
}

}  // namespace gracevisor::supervise
