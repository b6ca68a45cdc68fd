#include "proxy/hand_over.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr int kMostGivenPerTurn = 64;
// The channel was full: its other end is read as soon as a worker of the successor turns.
constexpr base::Duration kAgain = std::chrono::milliseconds(3);

}  // namespace

HandOver::HandOver(loop::Loop& loop, routing::WorkerPort& port, const Bell& bell)
    : port_(port), bell_(bell), next_(loop, [this] { give_some(); }), again_(loop, [this] { give_some(); }) {}

bool HandOver::follow(const std::shared_ptr<const succession::ClientChannel>& successor) {
  const bool before = channel_ != nullptr;
  if (successor != channel_) {
    channel_ = successor;
    broken_ = false;
  }
  return before || channel_ != nullptr;
}

void HandOver::count() noexcept {
  port_.to_hand.set(waiting_.size());
  if (!waiting_.empty()) return;
  next_.stop();
  again_.stop();
  bell_.ring();
}

void HandOver::add(Downstream& client) {
  waiting_.push_back(&client);
  count();
  if (!again_.running()) next_.ask();
}

void HandOver::leave(const Downstream& client) noexcept {
  const auto place = std::ranges::find(waiting_, &client);
  assert(place != waiting_.end());
  waiting_.erase(place);
  count();
}

// A turn of the loop may have taken longer than a client waits, so that it was never tried.
void HandOver::give_or_keep(Downstream& client) {
  if (!give(client)) client.stay();
}

void HandOver::give_some() {
  for (int i = 0; i < kMostGivenPerTurn && active() && !waiting_.empty(); ++i) {
    if (!give(*waiting_.front())) {
      again_.start(kAgain);
      return;
    }
  }
  if (!waiting_.empty()) next_.ask();
}

bool HandOver::give(Downstream& client) {
  using Given = succession::ClientChannel::Given;
  switch (client.give_to(*channel_)) {
    case Given::later: return false;
    case Given::given:
      port_.handed.add();
      client.close();
      break;
    case Given::never:
      if (channel_->ended()) {
        give_up();
      } else {
        client.stay();
      }
      break;
  }
  return true;
}

void HandOver::give_up() {
  broken_ = true;
  while (!waiting_.empty()) waiting_.front()->stay();
}

}  // namespace gracevisor::proxy
