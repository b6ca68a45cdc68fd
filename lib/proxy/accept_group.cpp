#include "proxy/accept_group.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "proxy/accept_balance.h"

namespace gracevisor::proxy {
namespace {

// Each look at another worker's number may cost a cache miss; with more workers than this they take turns.
constexpr std::size_t kLookedAt = 8;

}  // namespace

base::Expected<std::unique_ptr<AcceptGroup>> AcceptGroup::create(
    const std::vector<const routing::WorkerPort*>& ports) {
  std::unique_ptr<AcceptGroup> group(new AcceptGroup);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    Seat& seat = *group->seats_.emplace_back(std::make_unique<Seat>());
    seat.port = ports[i];
    seat.doorbell.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!seat.doorbell) return base::fail_errno("cannot create the doorbell of a proxy worker", errno);
    for (std::size_t from = 0; from < ports.size(); ++from) {
      seat.inbox.push_back(from == i ? nullptr : std::make_unique<handoff::Ring<Passed>>(kOnTheWay));
    }
  }
  return group;
}

AcceptMember::AcceptMember(AcceptGroup* group, base::WorkerIndex self) noexcept
    : group_(group),
      own_(group == nullptr ? nullptr : group->seats_[self.value()].get()),
      self_(self.value()),
      first_(self.value()) {
  if (own_ != nullptr) own_->connections.lower(AcceptGroup::kAbsent);
}

AcceptMember::~AcceptMember() {
  if (own_ == nullptr) return;
  own_->connections.raise(AcceptGroup::kAbsent);
  take_all([](const AcceptGroup::Passed& /*closed*/) {});
}

std::optional<base::WorkerIndex> AcceptMember::elsewhere(base::Epoch epoch) noexcept {
  if (own_ == nullptr) return std::nullopt;
  const auto& seats = group_->seats_;
  std::uint64_t least = AcceptGroup::kAbsent;
  std::size_t chosen = self_;
  first_ = (first_ + 1) % seats.size();
  for (std::size_t i = 0; i < std::min(seats.size(), kLookedAt + 1); ++i) {
    std::size_t candidate = (first_ + i) % seats.size();
    if (candidate == self_) continue;
    std::uint64_t connections = seats[candidate]->connections.read();
    if (connections >= least) continue;
    least = connections;
    chosen = candidate;
  }
  if (chosen == self_ || !passes_on(own_->connections.read(), least)) return std::nullopt;
  if (seats[chosen]->port->adopted.read() != epoch) return std::nullopt;
  return base::WorkerIndex(static_cast<std::uint32_t>(chosen));
}

bool AcceptMember::pass(base::WorkerIndex to, AcceptGroup::Passed&& item) noexcept {
  AcceptGroup::Seat& seat = *group_->seats_[to.value()];
  // Counted first: the receiver may close it before this returns.
  seat.connections.raise();
  if (!seat.inbox[self_]->push(std::move(item))) {
    seat.connections.lower();
    return false;
  }
  const std::uint64_t once = 1;
  ssize_t n = ::write(seat.doorbell.get(), &once, sizeof once);
  assert(n == sizeof once || errno == EAGAIN);  // EAGAIN: it is ringing
  (void)n;
  return true;
}

void AcceptMember::answer_doorbell() noexcept {
  std::uint64_t rings = 0;
  ssize_t n = ::read(own_->doorbell.get(), &rings, sizeof rings);
  assert(n == sizeof rings || errno == EAGAIN);  // nothing else can happen to an eventfd
  (void)n;
}

}  // namespace gracevisor::proxy
