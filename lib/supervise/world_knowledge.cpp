#include "supervise/world_knowledge.h"

#include <algorithm>
#include <chrono>

namespace gracevisor::supervise {

base::TimePoint WorldKnowledge::now() const {
  return std::chrono::steady_clock::now();
}

base::BootTime WorldKnowledge::boot_time() const {
  return base::boot_time();
}

decide::EndpointCounts WorldKnowledge::counts(const Identity& who) const {
  const Run* run = runs_.find(who);
  if (run == nullptr || !run->endpoint()) return {};
  const routing::Ledger& ledger = run->endpoint()->ledger;
  return {.in_flight = ledger.sum(&routing::LedgerCell::leases),
          .tunnels = ledger.sum(&routing::LedgerCell::tunnels),
          .requests = ledger.sum(&routing::LedgerCell::requests),
          .server_errors = ledger.sum(&routing::LedgerCell::server_errors),
          .cut = ledger.sum(&routing::LedgerCell::cut)};
}

decide::AppCounts WorldKnowledge::counts(base::AppId app) const {
  const AppHoldings& holdings = apps_.at(app);
  decide::AppCounts sum;
  for (const routing::AppCell& cell : holdings.ledger->cells) {
    sum.requests += cell.requests.read();
    sum.failed += cell.failed.read();
    sum.server_errors += cell.server_errors.read();
    sum.retried += cell.retried.read();
    sum.repaired += cell.repaired.read();
    if (cell.window.read() != holdings.window) continue;
    sum.slowest = std::max<base::Duration>(sum.slowest, std::chrono::microseconds(cell.slowest_us.read()));
    sum.slowest_body =
        std::max<base::Duration>(sum.slowest_body, std::chrono::microseconds(cell.slowest_body_us.read()));
  }
  count_touched_(app, sum);
  return sum;
}

decide::Whereabouts WorldKnowledge::place(const Identity& who) const {
  const Run* run = runs_.find(who);
  if (run == nullptr) return {};
  return {static_cast<std::uint64_t>(run->pid().value()), run->place()};
}

std::vector<std::string> WorldKnowledge::last_output(const Identity& who, std::size_t lines) const {
  return apps_.at(who.app).output->last(who, lines);
}

std::vector<std::size_t> WorldKnowledge::late_workers() const {
  return publisher_.behind(publisher_.epoch());
}

}  // namespace gracevisor::supervise
