// A client's connection on its way to the daemon that takes over.
#include <chrono>
#include <string>

#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

// How long a request may wait for the successor before it is served here.
constexpr base::Duration kAskPatience = std::chrono::milliseconds(50);

// Whom the connection belongs to, as far as anything depends on it. `host`: as in ClientStream::Facts.
base::Address address_of(std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  std::string text = v6 ? "[" : "";
  text.append(host).append(v6 ? "]:0" : ":0");
  if (auto address = base::Address::parse(text); address && !host.empty()) return *address;
  const sockaddr unnamed{.sa_family = AF_UNIX, .sa_data = {}};
  return base::Address::from_sockaddr(&unnamed, sizeof unnamed.sa_family);
}

}  // namespace

bool Downstream::moves() const noexcept {
  return core().hand_over().active() && move_ != Move::refused && !entrance_.leaving();
}

void Downstream::await_successor() {
  bool asks = false;
  if (state_ == State::serving) {
    asks = http1_.asks();
    if (!asks || queued() > 0) rest(http1_.served());
    if (queued() > 0) return;
  }
  if (!waits()) core().hand_over().add(*this);
  if (asks && move_ != Move::asks) {
    core().crowd().busy(seat_);
    core().kit().deadlines.start(http1_.deadline(), kAskPatience);
  }
  move_ = asks ? Move::asks : Move::waits;
}

void Downstream::stop_waiting(Move move) noexcept {
  move_ = move;
  core().hand_over().leave(*this);
}

succession::ClientChannel::Given Downstream::give_to(const succession::ClientChannel& channel) const {
  return channel.give(stream_.descriptor(), {.listener = entrance_.address,
                                             .client = address_of(address_),
                                             .preface = state_ == State::preface,
                                             .served = http1_.served(),
                                             .bytes = std::string(input_.data())});
}

void Downstream::stay() {
  // Another successor would get what is still idle when it comes.
  stop_waiting(core().hand_over().broken() ? Move::none : Move::refused);
  if (state_ == State::serving) http1_.serve_here();
}

void Downstream::look_at_successor() {
  const bool between = state_ == State::preface || (state_ == State::serving && http1_.between());
  if (!between) return;
  if (moves()) {
    if (!waits()) await_successor();
  } else if (waits()) {
    stop_waiting(Move::none);
    if (state_ == State::serving) http1_.serve_here();
  }
}

}  // namespace gracevisor::proxy
