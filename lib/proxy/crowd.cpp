#include "proxy/crowd.h"

#include <algorithm>
#include <utility>

namespace gracevisor::proxy {
namespace {

// Without overflow: there may be as many places as can be counted.
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

void Crowd::change(Seat& seat) {
  if (scarce_) {
    if (seat.key_ && seat.client_ == nullptr) seat.client_ = &counts_.enter(seat.key_);
    if (seat.idle_) to_rank_.push_back(&seat);
  } else {
    seat.in_all_.leave();
    if (seat.limit_ == 0) uncount(seat);
  }
}

void Crowd::rank() {
  std::ranges::sort(to_rank_, {}, [](const Seat* seat) { return seat->idle_since_; });
  for (Seat* seat : to_rank_) {
    enter_all(*seat);
    if (seat->client_ == nullptr) continue;
    seat->in_client_.leave();
    seat->in_client_.enter(seat->client_->idle);
  }
  to_rank_ = {};
}

void Crowd::enter(Seat& seat, ClientKey key, std::size_t limit) {
  seat.key_ = key;
  seat.limit_ = limit;
  if (key && (limit != 0 || scarce_)) seat.client_ = &counts_.enter(key);
}

bool Crowd::too_many(const Seat& seat) const noexcept {
  if (seat.client_ == nullptr) return false;
  return seat.client_->connections > (seat.limit_ == 0 ? quarter_ : seat.limit_);
}

void Crowd::uncount(Seat& seat) noexcept {
  seat.in_client_.leave();
  if (seat.client_ != nullptr) counts_.leave(*std::exchange(seat.client_, nullptr));
}

void Crowd::leave(Seat& seat) noexcept {
  busy(seat);
  uncount(seat);
  seat.key_ = {};
}

void Crowd::become_idle(Seat& seat, base::TimePoint now, bool last) noexcept {
  busy(seat);
  seat.idle_ = true;
  seat.last_ = last;
  if (last) ++lasts_;
  seat.idle_since_ = now;
  if (scarce_) enter_all(seat);
  if (seat.client_ != nullptr) seat.in_client_.enter(seat.client_->idle);
}

void Crowd::busy(Seat& seat) noexcept {
  if (!seat.idle_) return;
  seat.idle_ = false;
  if (std::exchange(seat.last_, false)) --lasts_;
  if (scarce_) seat.in_all_.leave();
  if (seat.client_ != nullptr) seat.in_client_.leave();
}

Seat* Crowd::oldest_of(const Seat& seat) noexcept {
  return seat.client_ == nullptr ? nullptr : seat.client_->idle.oldest();
}

}  // namespace gracevisor::proxy
