#include "proxy/request_buffer.h"

#include <algorithm>
#include <chrono>

namespace gracevisor::proxy {

std::uint64_t RequestBuffers::Place::millis(base::TimePoint now) const noexcept {
  const auto waited = std::chrono::duration_cast<base::Millis>(now - since_).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(waited, 1));
}

// On average, since each began to arrive.
bool RequestBuffers::Place::slower_than(const Place& other, base::TimePoint now) const noexcept {
  return content_ * other.millis(now) < other.content_ * millis(now);
}

void RequestBuffers::enter(Place& place, base::TimePoint now) noexcept {
  place.since_ = now;
  place.bytes_ = 0;
  place.content_ = 0;
  place.previous_ = anchor_.previous_;
  place.next_ = &anchor_;
  anchor_.previous_->next_ = &place;
  anchor_.previous_ = &place;
  ++waiting_;
}

void RequestBuffers::leave(Place& place) noexcept {
  place.previous_->next_ = place.next_;
  place.next_->previous_ = place.previous_;
  place.previous_ = place.next_ = nullptr;
  bytes_ -= place.bytes_;
  --waiting_;
}

void RequestBuffers::keep(Place& place, std::size_t bytes, std::uint64_t content) noexcept {
  bytes_ = bytes_ - place.bytes_ + bytes;
  place.bytes_ = bytes;
  place.content_ = content;
}

RequestBuffers::Owner* RequestBuffers::surplus(std::uint64_t most, base::TimePoint now) const noexcept {
  if (bytes_ <= most || waiting_ < 2) return nullptr;
  const Place* slowest = nullptr;
  // In order of arrival: after the first young one all are young.
  for (const Place* place = anchor_.next_; place != &anchor_; place = place->next_) {
    const bool young = now - place->since_ < kYoung;
    if (young && slowest != nullptr && now - slowest->since_ >= kYoung) break;
    if (slowest == nullptr || place->slower_than(*slowest, now)) slowest = place;
  }
  return slowest->who_;
}

}  // namespace gracevisor::proxy
