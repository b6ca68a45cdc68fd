// An exchange's way to an instance: lease, connect or reuse, send; and what follows when that fails.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/shortage.h"
#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {

void Exchange::proceed(Switchboard::Routed routed) {
  switch (routed.answer) {
    case Switchboard::Answer::live:
      lease_ = std::move(routed.lease);
      attempt();
      return;
    case Switchboard::Answer::hold: hold(HoldFor::ready); return;
    case Switchboard::Answer::stopped: answer(Reply::stopped); return;
    case Switchboard::Answer::crash_loop: answer(Reply::crash_loop); return;
    case Switchboard::Answer::no_route: answer(Reply::no_route); return;
  }
}

// A listener that a newer table switched to the other protocol has nothing for this connection.
const routing::ListenerRoutes* Exchange::listener() const noexcept {
  const routing::ListenerRoutes* listener = client_->listener();
  return listener != nullptr && listener->tcp.has_value() == raw_ ? listener : nullptr;
}

Switchboard::Wanted Exchange::wanted(const http::RequestHead* head, const Site* failed) const noexcept {
  const ClientStream::Facts client = client_->facts();
  return {.host = memo_.host,
          .path = memo_.path,
          .client = client.address,
          .head = head,
          .affinity = memo_.affinity,
          .failed = failed,
          .since = client.since};
}

Switchboard::Routed Exchange::route(const http::RequestHead* head, const Site* failed) noexcept {
  Switchboard::Routed routed = kit_.switchboard.route(listener(), wanted(head, failed));
  if (routed.former) client_->last();
  return routed;
}

// Takes no lease: that must follow in the same callback, or the table may be a different one by then.
Switchboard::Routed Exchange::match(const http::RequestHead* head) noexcept {
  Switchboard::Routed routed = kit_.switchboard.match(listener(), wanted(head, nullptr));
  if (routed.former) client_->last();
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
  if (tries_.fresh_only || raw_) return false;
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
  auto dialled = kit_.upstreams.dial(site.endpoint->address, *this);
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
  client_->reading_changed();
}

void Exchange::on_connected() {
  tries_.connects_failed = 0;
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
  attempt_.sent = held_.size();
  switch (upstream_->stream().write(held_)) {
    case loop::WriteResult::done: break;
    case loop::WriteResult::queued:
      attempt_.backlog = true;
      attempt_.throttled = upstream_->stream().queued() > ClientStream::kHighWater;
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
  client_->reading_changed();
}

// From now on we are waiting for the client.
void Exchange::let_body_flow() noexcept {
  upload_.since = kit_.loop.now();
  upload_.bytes = 0;
}

// The instance takes no more of the request. What it sent before it stopped still has to be read.
void Exchange::stop_sending() {
  request_ = Request::dropped;
  close_request_conduit();
  attempt_.backlog = attempt_.throttled = false;
  arm();
  client_->reading_changed();
}

void Exchange::on_drained() {
  if (attempt_.throttled) let_body_flow();
  attempt_.backlog = attempt_.throttled = false;
  if (request_conduit_.is_open()) {
    push_request();
    return;
  }
  arm();
  client_->reading_changed();
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
  if (attempt_.backlog) {
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
  const bool reused = upstream_ && upstream_->reused();
  if (failure == Failure::connect) {
    ++tries_.connects_failed;
    site.cell.connect_failures.add();
    kit_.bell.ring();
  }
  // A pooled connection that the instance closed says nothing about the instance.
  if (failure == Failure::connect || !reused) site.ejection.note_failure(kit_.loop.now());
  const FailedAttempt attempt{
      .failure = failure,
      .reused = reused,
      .idempotent = memo_.idempotent,
      // Only Unix sockets show this: a peer that closes with unread bytes resets, one that has read
      // everything does not.
      .unread = code == ECONNRESET && site.endpoint->address.is_unix() && body_.finished(),
      .replayable = held_whole_,
      .within_budget = app_->budget.allows(kit_.loop.now()),
      .connects_failed = tries_.connects_failed,
      .targets = app_->targets.size(),
      .replays = tries_.replays,
  };
  const Verdict verdict = decide(attempt);
  let_go();
  if (verdict == Verdict::fresh || verdict == Verdict::elsewhere || verdict == Verdict::pause) {
    count_retry(site, attempt);
  }
  follow(verdict, site);
}

void Exchange::count_retry(Site& site, const FailedAttempt& attempt) {
  if (attempt.failure != Failure::unsent) {
    site.cell.retried.add();
    app_->cell->retried.add();
  }
  if (attempt.failure == Failure::no_response) note_.replayed();
  if (!is_replay(attempt)) return;
  ++tries_.replays;
  app_->budget.note_retry();
}

void Exchange::follow(Verdict verdict, Site& site) {
  if (verdict != Verdict::wait) tries_.fresh_only = true;
  switch (verdict) {
    case Verdict::fresh: route_again(nullptr); return;
    case Verdict::elsewhere: route_again(&site); return;
    case Verdict::pause:
      if (app_->routes != nullptr && app_->routes->hold > base::Duration::zero()) {
        hold(HoldFor::judgement);
      } else {
        route_again(&site);
      }
      return;
    case Verdict::prove:
      ++tries_.replays;
      doubt(site);
      return;
    case Verdict::wait: hold(HoldFor::connection); return;
    case Verdict::give_up: answer(Reply::upstream_closed, site.endpoint.get()); return;
  }
}

// An instance answered that it is unavailable: the request goes to another one.
void Exchange::try_elsewhere(Site& site) {
  site.cell.retried.add();
  app_->cell->retried.add();
  app_->budget.note_retry();
  note_.replayed();
  ++tries_.replays;
  let_go();
  recycle(inbox_);
  response_ = Response::waiting;
  tries_.fresh_only = true;
  route_again(&site);
}

// The exchange is over; what it had lives on in the tunnel.
void Exchange::become_tunnel(Tunnel::Kind kind, std::string_view from_app) {
  TunnelParts parts{.kind = kind,
                    .pin = std::move(pin_),
                    .options = options_,
                    .app = std::exchange(app_, nullptr),
                    .lease = std::move(lease_),
                    .upstream = std::move(upstream_),
                    .note = note_.hand_over()};
  ClientStream& client = *client_;
  std::string from_client;
  if (raw_) from_client.swap(held_);
  abandon();
  client.become_tunnel(std::move(parts), from_client, from_app);
}

}  // namespace gracevisor::proxy
