// The supervisor's end of the hand-over: numbers tables, hands them to the workers, and knows from their
// marks what nobody can touch any more. Thread: the supervisor's.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "routing/worker_port.h"

namespace gracevisor::supervise {

// One worker as the supervisor sees it.
struct WorkerLink {
  routing::WorkerPort* port = nullptr;
  std::function<void()> wake;
};

// What the tables of an endpoint's life said last; kept by whoever owns the endpoint.
struct Listing {
  base::Epoch last_listed;  // the newest table that had it as a target
  base::Epoch last_probed;  // the newest table that had it in the probe plan
  // What is still under way there is cut. It stays so whatever becomes of the instance: a worker may adopt no
  // earlier table than the one after its exit.
  bool closing = false;
};

class Publisher {
 public:
  explicit Publisher(std::vector<WorkerLink> workers);

  // The number that the next published table will have.
  [[nodiscard]] base::Epoch next_epoch() const { return epoch_.next(); }
  [[nodiscard]] base::Epoch epoch() const { return epoch_; }
  // Numbers `table`, keeps it, and puts it into every mailbox. All letters are built before the first is put:
  // the first put is the commit.
  void publish(std::unique_ptr<routing::RouteTable> table);

  // The oldest of the tables that the workers lease from.
  [[nodiscard]] base::Epoch adopted_by_all() const;
  // The oldest of the tables by which the workers accept: what leaves with it, they have closed.
  [[nodiscard]] base::Epoch entered_by_all() const;
  // Workers that have not adopted `epoch`.
  [[nodiscard]] std::vector<std::size_t> behind(base::Epoch epoch) const;

  // Can no worker touch the endpoint again? For every worker: read that it adopted a table after the last one
  // that listed the endpoint, *then* that it holds no lease. In the other order a lease could begin in
  // between.
  [[nodiscard]] bool quiescent(const routing::Endpoint& endpoint, const Listing& listing) const;
  // Quiescent, and no probe can be out either: the address may be given to somebody else.
  [[nodiscard]] bool released(const routing::Endpoint& endpoint, const Listing& listing) const;

  // Letters that the workers have put for the apps' AppLedger::last_failure.
  [[nodiscard]] std::uint64_t failures() const;

  // Does a worker hold some of a response whose app has done its part?
  [[nodiscard]] bool unsent() const;

  // Lets go of tables that no worker uses any more, so that no large destructor ever runs in a worker.
  void drop_passed_tables();
  [[nodiscard]] std::size_t tables_kept() const { return tables_.size(); }

 private:
  std::vector<WorkerLink> workers_;
  base::Epoch epoch_;
  std::deque<routing::RouteTableRef> tables_;  // oldest first
};

}  // namespace gracevisor::supervise
