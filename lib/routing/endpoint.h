// The address of one incarnation of a slot, and the ledger in which each worker counts its use of that
// address. Threads: an Endpoint is immutable and crosses threads in route tables; each cell of a Ledger has
// one writing worker, and the supervisor reads them all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/strong.h"
#include "handoff/tally.h"

namespace gracevisor::routing {

// One worker's counts for one endpoint. It has its own cache line, so that workers do not disturb each other.
struct alignas(64) LedgerCell {
  handoff::Tally leases;         // attempts that hold the endpoint now; decides when it is quiescent
  handoff::Tally requests;       // responses whose head came from this endpoint
  handoff::Tally server_errors;  // of those, status 5xx
  handoff::Tally connect_failures;
  handoff::Tally retried;  // attempts that were given to another endpoint or connection
  handoff::Tally cut;      // exchanges cut by a drain, or because the response broke off or was malformed
  handoff::Tally tunnels;  // of the leases, those of upgraded or TCP connections
};

class Ledger {
 public:
  explicit Ledger(std::size_t workers) : cells_(workers) {}
  [[nodiscard]] LedgerCell& cell(base::WorkerIndex worker) noexcept { return cells_[worker.value()]; }
  [[nodiscard]] const LedgerCell& cell(base::WorkerIndex worker) const noexcept {
    return cells_[worker.value()];
  }
  [[nodiscard]] std::size_t workers() const noexcept { return cells_.size(); }
  // The sum of one count over all workers; each is read once, so the sum is nearly that of a single moment.
  [[nodiscard]] std::uint64_t sum(handoff::Tally LedgerCell::* count) const noexcept {
    std::uint64_t total = 0;
    for (const LedgerCell& cell : cells_) total += (cell.*count).read();
    return total;
  }

 private:
  std::vector<LedgerCell> cells_;
};

// Identifies one life of one process: results that carry an identity other than the current one are
// discarded.
struct Identity {
  base::AppId app;
  base::GenerationId generation;
  base::Slot slot;
  base::Incarnation incarnation;
  auto operator<=>(const Identity&) const = default;
};

// "43.1", as users name an instance.
[[nodiscard]] inline std::string instance_name(base::GenerationId generation, base::Slot slot) {
  return std::to_string(generation.value()) + '.' + std::to_string(slot.value());
}
[[nodiscard]] inline std::string instance_name(const Identity& who) {
  return instance_name(who.generation, who.slot);
}

struct Endpoint {
  Endpoint(Identity who, const base::Address& where, std::size_t workers)
      : identity(who), address(where), ledger(workers) {}
  const Identity identity;
  const base::Address address;
  mutable Ledger ledger;  // workers write their cells through const tables
};

using EndpointRef = std::shared_ptr<const Endpoint>;

}  // namespace gracevisor::routing
