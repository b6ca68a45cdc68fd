#include "supervise/publisher.h"

#include <algorithm>

namespace gracevisor::supervise {

Publisher::Publisher(std::vector<WorkerLink> workers) : workers_(std::move(workers)) {}

void Publisher::publish(std::unique_ptr<routing::RouteTable> table) {
  table->epoch = next_epoch();
  routing::RouteTableRef shared(std::move(table));
  std::vector<std::unique_ptr<routing::TableLetter>> letters;
  letters.reserve(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    letters.push_back(std::make_unique<routing::TableLetter>(routing::TableLetter{shared}));
  }
  tables_.push_back(shared);
  newest_ = shared;
  epoch_ = shared->epoch;
  for (std::size_t i = 0; i < workers_.size(); ++i) workers_[i].port->mailbox.put(std::move(letters[i]));
  for (const WorkerLink& worker : workers_) worker.wake();
}

base::Epoch Publisher::adopted_by_all() const {
  base::Epoch oldest = epoch_;
  for (const WorkerLink& worker : workers_) oldest = std::min(oldest, worker.port->adopted.read());
  return oldest;
}

base::Epoch Publisher::entered_by_all() const {
  base::Epoch oldest = epoch_;
  for (const WorkerLink& worker : workers_) oldest = std::min(oldest, worker.port->entered.read());
  return oldest;
}

std::vector<std::size_t> Publisher::behind(base::Epoch epoch) const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].port->adopted.read() < epoch) result.push_back(i);
  }
  return result;
}

bool Publisher::quiescent(const routing::Endpoint& endpoint, const Listing& listing) const {
  if (by_another_(endpoint.identity)) return false;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].port->adopted.read() <= listing.last_listed) return false;
    base::WorkerIndex worker(static_cast<std::uint32_t>(i));
    if (endpoint.ledger.cell(worker).leases.read() != 0) return false;
  }
  return true;
}

bool Publisher::released(const routing::Endpoint& endpoint, const Listing& listing) const {
  return quiescent(endpoint, listing) && adopted_by_all() > listing.last_probed;
}

std::uint64_t Publisher::failures() const {
  std::uint64_t sum = 0;
  for (const WorkerLink& worker : workers_) sum += worker.port->failures.read();
  return sum;
}

bool Publisher::unsent() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const WorkerLink& worker) { return worker.port->unsent.read() != 0; });
}

void Publisher::drop_passed_tables() {
  base::Epoch oldest = epoch_;
  for (const WorkerLink& worker : workers_) oldest = std::min(oldest, worker.port->oldest_pinned.read());
  // When a table stays pinned for long, later ones go all the same: a table whose only reference is ours is
  // in no mailbox and in no worker, and no worker can get it any more.
  std::erase_if(tables_, [&](const routing::RouteTableRef& table) {
    return table->epoch < oldest || (table->epoch < epoch_ && table.use_count() == 1);
  });
}

}  // namespace gracevisor::supervise
