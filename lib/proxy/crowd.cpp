#include "proxy/crowd.h"

#include <algorithm>
#include <utility>

#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

// Without overflow: the number of places may be as large as the type allows.
constexpr std::size_t share(std::size_t all, std::size_t numerator, std::size_t denominator) {
  return std::max<std::size_t>(1,
                               all / denominator * numerator + all % denominator * numerator / denominator);
}

}  // namespace

void Crowd::allow(std::size_t places) noexcept {
  scarce_from_ = share(places, 4, 5);
  roomy_below_ = share(places, 3, 4);
  quarter_ = share(places, 1, 4);
}

void Crowd::begin(bool scarce) {
  scarce_ = scarce;
  to_rank_.clear();
}

Seat::Ranks& Crowd::ranks_of(Downstream& client) {
  std::unique_ptr<Seat::Ranks>& ranks = client.seat().ranks_;
  if (ranks == nullptr) ranks = std::make_unique<Seat::Ranks>(client);
  return *ranks;
}

void Crowd::count(Downstream& client) {
  const Seat& seat = client.seat();
  if (!seat.entered_ || !seat.key_) return;
  ClientCounts::Client*& counted = ranks_of(client).client;
  if (counted == nullptr) counted = &counts_.enter(seat.key_);
}

void Crowd::change(Downstream& client) {
  Seat& seat = client.seat();
  if (scarce_) {
    count(client);
    if (seat.idle_) to_rank_.push_back(&client);
  } else if (seat.ranks_ != nullptr) {
    seat.ranks_->in_all.leave();
    if (seat.limit_ == 0) uncount(seat);
  }
}

void Crowd::rank() {
  std::ranges::sort(to_rank_, {}, [](Downstream* client) { return client->seat().idle_since_; });
  for (Downstream* client : to_rank_) {
    Seat::Ranks& ranks = ranks_of(*client);
    enter_all(client->seat());
    if (ranks.client == nullptr) continue;
    ranks.in_client.leave();
    ranks.in_client.enter(ranks.client->idle);
  }
  to_rank_ = {};
}

void Crowd::enter(Downstream& client, bool exempt, std::uint32_t limit) {
  Seat& seat = client.seat();
  busy(seat);  // it may have been idle before its client was known
  seat.entered_ = !exempt;
  seat.limit_ = limit;
  if (limit != 0 || scarce_) count(client);
}

bool Crowd::too_many(const Seat& seat) const noexcept {
  if (seat.ranks_ == nullptr || seat.ranks_->client == nullptr) return false;
  return seat.ranks_->client->connections > (seat.limit_ == 0 ? quarter_ : seat.limit_);
}

void Crowd::uncount(Seat& seat) noexcept {
  if (seat.ranks_ == nullptr) return;
  if (seat.ranks_->client != nullptr) {
    seat.ranks_->in_client.leave();
    counts_.leave(*seat.ranks_->client);
  }
  seat.ranks_.reset();
}

void Crowd::leave(Seat& seat) noexcept {
  busy(seat);
  uncount(seat);
  seat.entered_ = false;
}

void Crowd::become_idle(Downstream& client, base::TimePoint now, bool last) {
  Seat& seat = client.seat();
  busy(seat);
  seat.idle_ = true;
  seat.last_ = last;
  if (last) ++lasts_;
  seat.idle_since_ = now;
  if (scarce_) (void)ranks_of(client);
  if (seat.ranks_ == nullptr) return;
  if (scarce_) enter_all(seat);
  if (seat.ranks_->client != nullptr) seat.ranks_->in_client.enter(seat.ranks_->client->idle);
}

void Crowd::busy(Seat& seat) noexcept {
  if (!seat.idle_) return;
  seat.idle_ = false;
  if (std::exchange(seat.last_, false)) --lasts_;
  if (seat.ranks_ == nullptr) return;
  seat.ranks_->in_all.leave();
  seat.ranks_->in_client.leave();
}

// Each goes round once for every time it becomes idle.
void Crowd::pass_over_askers(const IdleRank<Downstream>& anchor) noexcept {
  for (Downstream* oldest = anchor.oldest(); oldest != nullptr && oldest->asks(); oldest = anchor.oldest()) {
    busy(oldest->seat());
  }
}

void Crowd::pass_over_askers(const Seat& seat) noexcept {
  if (seat.ranks_ != nullptr && seat.ranks_->client != nullptr) pass_over_askers(seat.ranks_->client->idle);
}

Downstream* Crowd::oldest_of(const Seat& seat) noexcept {
  if (seat.ranks_ == nullptr || seat.ranks_->client == nullptr) return nullptr;
  return seat.ranks_->client->idle.oldest();
}

}  // namespace gracevisor::proxy
