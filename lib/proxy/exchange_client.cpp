// An exchange's client: it reads what waits for it, leaves, or is cut off.
#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {

// Does a FIN behind a complete request mean only that no other request follows (RFC 9112 section 9.6)?
bool Exchange::serves_half_closed() const noexcept {
  return options_ != nullptr && options_->half_close == config::ProxyOptions::HalfClose::serve;
}

// The outcome of the exchange no longer matters to anyone, and says nothing about the app.
bool Exchange::client_has_left() const noexcept {
  return client_->deaf() || (client_->ended() && !raw_ && !serves_half_closed());
}

// Is the app's response read to its end although no client waits for it? Not for a tunnel, whose other end
// would be gone.
bool Exchange::finishes_anyway() const noexcept {
  return options_ != nullptr && options_->on_client_abort == config::ProxyOptions::ClientAbort::finish &&
         request_ == Request::sent && response_ != Response::flush && response_ != Response::parting &&
         !raw_ && memo_.upgrade.empty();
}

void Exchange::client_ended() {
  // In TCP mode the other direction goes on, once there is one.
  if (raw_ && request_ != Request::hold) return;
  if (response_ == Response::flush) {
    // The response is complete and goes out; what may come behind the request no longer counts.
    if (!serves_half_closed()) client_->last();
    return;
  }
  if (body_pending()) {
    client_gone();
  } else if (!serves_half_closed()) {
    client_left();
  }
}

// The request is complete, and its client has finished sending, which counts as leaving.
void Exchange::client_left() {
  const bool waits =
      client_->queued() > 0 || (response_conduit_.is_open() && !response_conduit_.pipe().empty());
  if (waits && !finishes_anyway()) {
    part();
  } else if (!waits) {
    client_gone();
  }
  // Otherwise once it has taken that: client_drained().
}

// Ends the attempt; what the app has already said still goes to the client.
void Exchange::part() {
  count_unsent();
  let_go_of_app();
  response_ = Response::parting;
  client_->last();
  client_->deadline().cancel();
  arm();
}

void Exchange::client_gone() {
  if (finishes_anyway() && client_->go_deaf()) {
    client_->last();
    response_conduit_.close(upstream_->stream());
    if (upstream_->stream().start_reading()) {
      start_deadline(options_->request_timeout);
      return;
    }
  }
  let_go();
  note_.client_left();
  finish(Over::gone);
}

void Exchange::client_drained() {
  switch (response_) {
    case Response::flush: end_response(); return;
    case Response::parting:
      if (response_conduit_.is_open() && client_->push(response_conduit_.pipe()) == Sent::queued) {
        arm();
      } else {
        client_gone();
      }
      return;
    case Response::waiting:
    case Response::head:
    case Response::body: break;
    case Response::done: return;
  }
  if (!body_pending() && client_->ended() && client_has_left()) {
    client_gone();
    return;
  }
  if (response_ != Response::body || !upstream_) return;
  if (response_conduit_.is_open()) {
    push_response();
    return;
  }
  if (!upstream_->stream().start_reading()) {
    cut(Reply::upstream_truncated);
    return;
  }
  arm();
}

// The client's own doing, which is not counted as a failure. `end` is a constant, for the access log.
void Exchange::cut_client(std::string_view end, Reply why) {
  let_go();
  note_.ends_as(end);
  note_.because(why);
  finish(Over::cut);
}

}  // namespace gracevisor::proxy
