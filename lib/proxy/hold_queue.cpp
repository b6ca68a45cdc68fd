#include "proxy/hold_queue.h"

namespace gracevisor::proxy {

void HoldQueue::Place::unlink() noexcept {
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

void HoldQueue::Place::link_before(Place& anchor) noexcept {
  previous_ = anchor.previous_;
  next_ = &anchor;
  previous_->next_ = this;
  anchor.previous_ = this;
}

HoldQueue::HoldQueue(loop::Loop& loop, const Bell& bell)
    : bell_(bell), next_turn_(loop, [this] { release_some(); }) {}

bool HoldQueue::enter(Place& place, LocalApp& app, std::size_t bytes, std::size_t max_requests,
                      std::uint64_t max_bytes) {
  if (app.held >= max_requests || app.held_bytes + bytes > max_bytes) return false;
  place.app_ = &app;
  place.bytes_ = bytes;
  place.link_before(waiting_);
  app.held_bytes += bytes;
  ++app.held;
  app.cell->waiting.set(app.held);
  if (app.held == 1) bell_.ring();
  return true;
}

void HoldQueue::leave(Place& place) noexcept {
  place.unlink();
  LocalApp& app = *place.app_;
  app.held_bytes -= place.bytes_;
  --app.held;
  app.cell->waiting.set(app.held);
  if (app.held == 0) bell_.ring();
}

void HoldQueue::match_all_again() {
  // Queued behind those that an earlier table made due.
  while (waiting_.next_ != &waiting_) {
    Place& place = *waiting_.next_;
    place.unlink();
    place.link_before(due_);
  }
  release_some();
}

void HoldQueue::release_some() {
  for (int i = 0; i < kPerTurn && due_.next_ != &due_; ++i) due_.next_->who_->match_again();
  if (due_.next_ != &due_) next_turn_.ask();
}

}  // namespace gracevisor::proxy
