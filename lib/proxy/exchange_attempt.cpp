// An exchange's way to an instance: lease, connect or reuse, send; and what follows when that fails.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/shortage.h"
#include "proxy/core.h"
#include "proxy/downstream.h"
#include "proxy/exchange.h"

namespace gracevisor::proxy {
namespace {
constexpr base::Duration kHoldTick = base::Millis(400);
constexpr base::Duration kFirstRefusedTick = base::Millis(50);
constexpr unsigned kRefusedDoublings = 3;
// The supervisor hears of an exit within a millisecond or two.
constexpr base::Duration kJudgementTick = base::Millis(20);
}  // namespace

void Exchange::proceed(Switchboard::Routed routed) {
  switch (routed.answer) {
    case Switchboard::Answer::live:
      lease_ = std::move(routed.lease);
      attempt();
      return;
    case Switchboard::Answer::hold: hold(HoldFor::ready); return;
    case Switchboard::Answer::stopped: answer(Reply::stopped); return;
    case Switchboard::Answer::no_route: answer(Reply::no_route); return;
  }
}

// A listener that a newer table switched to the other protocol has nothing for this connection.
const routing::ListenerRoutes* Exchange::listener() const noexcept {
  const routing::ListenerRoutes* listener = client_->listener();
  return listener != nullptr && listener->tcp.has_value() == raw_ ? listener : nullptr;
}

Switchboard::Wanted Exchange::wanted(const http::RequestHead* head, const Site* failed) const noexcept {
  return {.host = memo_.host,
          .path = memo_.path,
          .client = client_->address(),
          .head = head,
          .affinity = memo_.affinity,
          .failed = failed,
          .since = client_->since()};
}

Switchboard::Routed Exchange::route(const http::RequestHead* head, const Site* failed) noexcept {
  Switchboard::Routed routed = core_.switchboard().route(listener(), wanted(head, failed));
  if (routed.former) keep_alive_ = false;
  return routed;
}

// Takes no lease: that must follow in the same callback, or the table may be a different one by then.
Switchboard::Routed Exchange::match(const http::RequestHead* head) noexcept {
  Switchboard::Routed routed = core_.switchboard().match(listener(), wanted(head, nullptr));
  if (routed.former) keep_alive_ = false;
  return routed;
}

// Every further attempt leases anew, from the table that is current now.
void Exchange::route_again(const Site* failed) {
  request_ = Request::route;
  Switchboard::Routed routed = route(nullptr, failed);
  if (routed.app != nullptr) enter(*routed.app);
  proceed(std::move(routed));
}

bool Exchange::may_reuse() const noexcept {
  if (fresh_only_ || raw_) return false;
  switch (options_->reuse) {
    case config::ProxyOptions::Reuse::never: return false;
    // A request that must not be repeated gets a connection that cannot have been closed meanwhile.
    case config::ProxyOptions::Reuse::idempotent: return memo_.idempotent;
    case config::ProxyOptions::Reuse::always: return true;
  }
  return false;
}

void Exchange::attempt() {
  Site& site = *lease_.site();
  if (may_reuse()) upstream_ = site.pool.take(*this);
  note_.leased(*site.endpoint, upstream_ != nullptr);
  if (upstream_) {
    send();
    return;
  }
  request_ = Request::connect;
  auto dialled = core_.upstreams().dial(site.endpoint->address, *this);
  if (!dialled) {
    int code = dialled.error().code;
    if (base::is_dial_shortage(code)) {
      starve(code);
    } else {
      fail(Failure::connect, code);
    }
    return;
  }
  upstream_ = std::move(*dialled);
  if (upstream_->stream().connected()) {
    on_connected();
    return;
  }
  start_deadline(options_->connect_timeout);
  client_->update_reading();
}

void Exchange::on_connected() {
  connects_failed_ = 0;
  note_.connected();
  if (!upstream_->stream().start_reading()) {
    fail(Failure::connect, 0);
    return;
  }
  if (raw_) {
    become_tunnel(Tunnel::Kind::raw, {});
  } else {
    send();
  }
}

void Exchange::send() {
  request_ = body_.finished() ? Request::sent : Request::relay;
  sent_ = held_.size();
  switch (upstream_->stream().write(held_)) {
    case loop::WriteResult::done: break;
    case loop::WriteResult::queued:
      backlog_ = true;
      throttled_ = upstream_->stream().queued() > Downstream::kHighWater;
      break;
    case loop::WriteResult::broken:
      if (upstream_->reused()) {
        fail(Failure::unsent, 0);
      } else {
        stop_sending();
      }
      return;
  }
  if (held_.size() > kHeldBody) forget_held();
  let_body_flow();
  arm();
  client_->update_reading();
}

// From now on we are waiting for the client.
void Exchange::let_body_flow() noexcept {
  body_since_ = core_.loop().now();
  body_bytes_ = 0;
}

// The instance takes no more of the request. What it sent before it stopped still has to be read.
void Exchange::stop_sending() {
  request_ = Request::dropped;
  request_conduit_.close(client_->stream());
  backlog_ = throttled_ = false;
  arm();
  client_->update_reading();
}

void Exchange::on_drained() {
  if (throttled_) let_body_flow();
  backlog_ = throttled_ = false;
  if (request_conduit_.is_open()) {
    push_request();
    return;
  }
  arm();
  client_->update_reading();
}

void Exchange::on_end() {
  switch (response_) {
    case Response::waiting: fail(Failure::no_response, 0); return;
    case Response::head: answer(Reply::upstream_closed); return;
    case Response::body: end_of_response_input(); return;
    case Response::flush:
    case Response::parting:
    case Response::done: return;
  }
}

void Exchange::on_broken(int code) {
  if (request_ == Request::connect) {
    fail(Failure::connect, code);
    return;
  }
  if (backlog_) {
    // Most likely a queued write failed: an early answer may still be there, and reading will show.
    stop_sending();
    if (upstream_->stream().start_reading()) return;
  }
  switch (response_) {
    case Response::waiting: fail(Failure::no_response, code); return;
    case Response::head: answer(Reply::upstream_closed); return;
    case Response::body: cut(Reply::upstream_truncated); return;
    case Response::flush:
    case Response::parting:
    case Response::done: return;
  }
}

void Exchange::fail(Failure failure, int code) {
  Site& site = *lease_.site();
  bool reused = upstream_ && upstream_->reused();
  if (failure == Failure::connect) {
    ++connects_failed_;
    site.cell.connect_failures.add();
    core_.bell().ring();
  }
  // A pooled connection that the instance closed says nothing about the instance.
  if (failure == Failure::connect || !reused) site.ejection.note_failure(core_.loop().now());
  Attempt attempt{
      .failure = failure,
      .reused = reused,
      .idempotent = memo_.idempotent,
      // Only Unix sockets show this: a peer that closes with unread bytes resets, one that has read
      // everything does not.
      .unread = code == ECONNRESET && site.endpoint->address.is_unix() && body_.finished(),
      .replayable = held_whole_,
      .within_budget = app_->budget.allows(core_.loop().now()),
      .connects_failed = connects_failed_,
      .targets = app_->targets.size(),
      .replays = replays_,
  };
  Verdict verdict = decide(attempt);
  let_go();
  bool again = verdict == Verdict::fresh || verdict == Verdict::elsewhere || verdict == Verdict::pause;
  if (again && failure != Failure::unsent) {
    site.cell.retried.add();
    app_->cell->retried.add();
  }
  if (again && failure == Failure::no_response) note_.replayed();
  if (again && is_replay(attempt)) {
    ++replays_;
    app_->budget.note_retry();
  }
  switch (verdict) {
    case Verdict::fresh:
      fresh_only_ = true;
      route_again(nullptr);
      return;
    case Verdict::elsewhere:
      fresh_only_ = true;
      route_again(&site);
      return;
    case Verdict::pause:
      fresh_only_ = true;
      if (app_->routes != nullptr && app_->routes->hold > base::Duration::zero()) {
        hold(HoldFor::judgement);
      } else {
        route_again(&site);
      }
      return;
    case Verdict::prove:
      ++replays_;
      fresh_only_ = true;
      doubted_ = site.endpoint->identity;
      doubted_until_ = core_.loop().now() + kJudgementTick;
      hold(HoldFor::judgement);
      return;
    case Verdict::wait: hold(HoldFor::connection); return;
    case Verdict::give_up: answer(Reply::upstream_closed, site.endpoint.get()); return;
  }
}

// We lack the means to connect: the instance is not to blame, and another one would not help. A request that
// waits may get what another one releases.
void Exchange::starve(int code) {
  core_.note_shortage(&routing::Shortages::dial, code);
  let_go();
  hold(HoldFor::resources);
}

// An instance answered that it is unavailable: the request goes to another one.
void Exchange::try_elsewhere(Site& site) {
  site.cell.retried.add();
  app_->cell->retried.add();
  app_->budget.note_retry();
  note_.replayed();
  ++replays_;
  let_go();
  recycle(inbox_);
  response_ = Response::waiting;
  fresh_only_ = true;
  route_again(&site);
}

// No instance can take the request now, or none should.
void Exchange::hold(HoldFor what) {
  base::TimePoint now = core_.loop().now();
  const routing::AppRoutes* routes = app_->routes;
  bool again = held_since_ != base::TimePoint{};
  if (!again) held_since_ = now;
  bool ready = what == HoldFor::ready;
  bool no_longer = routes == nullptr || now - held_since_ >= routes->hold;
  if (no_longer) {
    answer(ready                        ? Reply::hold_timeout
           : what == HoldFor::resources ? Reply::proxy_exhausted
                                        : Reply::upstream_refused);
    return;
  }
  if (!core_.hold_queue().enter(place_, *app_, held_.size(), options_->hold_requests,
                                options_->hold_memory)) {
    // With a full queue the request loses the pause, not the second attempt.
    if (what == HoldFor::judgement) {
      route_again(nullptr);
    } else {
      answer(Reply::hold_full);
    }
    return;
  }
  if (!again) app_->cell->held.add();
  note_.held();
  request_ = Request::hold;
  connects_failed_ = 0;
  base::Duration wait = routes->hold;
  switch (what) {
    case HoldFor::ready:
      if (again) wait = std::min(wait, kHoldTick);
      break;
    case HoldFor::connection:
    case HoldFor::resources:
      wait = std::min(wait, kFirstRefusedTick * (1U << std::min(hold_turns_, kRefusedDoublings)));
      break;
    case HoldFor::judgement: wait = std::min(wait, kJudgementTick); break;
  }
  ++hold_turns_;
  start_deadline(wait);
  client_->update_reading();
}

void Exchange::match_again() {
  core_.hold_queue().leave(place_);
  if (doubted_ && still_doubted()) {
    if (core_.loop().now() < doubted_until_) {
      hold(HoldFor::judgement);
    } else {
      answer(Reply::upstream_closed);
    }
    return;
  }
  doubted_.reset();
  route_again(nullptr);
}

// Is the instance that failed still in the routes?
bool Exchange::still_doubted() const noexcept {
  return std::any_of(app_->targets.begin(), app_->targets.end(),
                     [this](const Site* site) { return site->endpoint->identity == *doubted_; });
}

// The exchange is over; what it had lives on in the tunnel.
void Exchange::become_tunnel(Tunnel::Kind kind, std::string_view from_app) {
  Tunnel::Parts parts{.kind = kind,
                      .pin = std::move(pin_),
                      .options = options_,
                      .app = std::exchange(app_, nullptr),
                      .lease = std::move(lease_),
                      .upstream = std::move(upstream_),
                      .note = note_.hand_over()};
  Downstream& client = *client_;
  std::string from_client;
  if (raw_) from_client.swap(held_);
  abandon();
  client.become_tunnel(std::move(parts), from_client, from_app);
}

// Also between adoptions: a refused connection may succeed without any change of the table.
void Exchange::hold_passed() {
  match_again();
}

}  // namespace gracevisor::proxy
