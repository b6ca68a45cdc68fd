// The supervisor's end of the hand-over: numbers tables, hands them to the workers, and knows from their
// marks what no worker can touch any more. Thread: the supervisor's.
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

// What the tables have last said about an endpoint; kept by the endpoint's owner.
struct Listing {
  base::Epoch last_listed;  // the newest table that had it as a target
  base::Epoch last_probed;  // the newest table that had it in the probe plan
  // What is still under way there is cut. This stays set even after the instance's exit, until a table lists
  // the endpoint as a target again: the first table that a worker adopts may be the one that follows the
  // exit.
  bool closing = false;
};

class Publisher {
 public:
  explicit Publisher(std::vector<WorkerLink> workers);

  // The number that the next published table will have.
  [[nodiscard]] base::Epoch next_epoch() const { return epoch_.next(); }
  [[nodiscard]] base::Epoch epoch() const { return epoch_; }
  // Numbers `table`, keeps it, and puts it into every mailbox. All letters are built before the first is put:
  // that put is the commit.
  void publish(std::unique_ptr<routing::RouteTable> table);

  // The newest one; null before the first.
  [[nodiscard]] const routing::RouteTableRef& newest() const { return newest_; }

  // Another daemon's workers may touch endpoints as well: none of those that this names is quiescent.
  void also_used(std::function<bool(const routing::Identity&)> by_another) {
    by_another_ = std::move(by_another);
  }

  // The oldest of the tables from which the workers lease.
  [[nodiscard]] base::Epoch adopted_by_all() const;
  // The oldest of the tables by which the workers accept: they have closed the listeners that leave with it.
  [[nodiscard]] base::Epoch entered_by_all() const;
  // Workers that have not adopted `epoch`.
  [[nodiscard]] std::vector<std::size_t> behind(base::Epoch epoch) const;

  // Can no worker touch the endpoint again? For every worker, check that it has adopted a table after the
  // last one that listed the endpoint, and *then* that it holds no lease. In the other order a lease could
  // begin in between.
  [[nodiscard]] bool quiescent(const routing::Endpoint& endpoint, const Listing& listing) const;
  // Quiescent, and no probe can be out either: the address may be given to another instance.
  [[nodiscard]] bool released(const routing::Endpoint& endpoint, const Listing& listing) const;

  // How many letters the workers have put into the apps' AppLedger::last_failure.
  [[nodiscard]] std::uint64_t failures() const;

  // Does a worker still hold part of a response that its app has finished?
  [[nodiscard]] bool unsent() const;

  // Releases tables that no worker uses any more, so that no large destructor ever runs in a worker.
  void drop_passed_tables();
  [[nodiscard]] std::size_t tables_kept() const { return tables_.size(); }

 private:
  std::vector<WorkerLink> workers_;
  base::Epoch epoch_;
  std::deque<routing::RouteTableRef> tables_;  // oldest first
  routing::RouteTableRef newest_;
  std::function<bool(const routing::Identity&)> by_another_ = [](const auto& /*who*/) { return false; };
};

}  // namespace gracevisor::supervise
