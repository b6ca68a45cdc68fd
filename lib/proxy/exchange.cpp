#include "proxy/exchange.h"

#include <cassert>
#include <chrono>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kSendTimeout = config::ProxyOptions{}.send_timeout;

// A constant with as much of the Accept field as our own answers look at.
std::string_view reduced(std::string_view accept) noexcept {
  if (http::list_has(accept, "text/html")) return "text/html";
  if (http::list_has(accept, "application/json")) return "application/json";
  return {};
}

}  // namespace

Exchange::Exchange(Core& core) : core_(core), place_(*this) {}

Exchange::~Exchange() {
  abandon();
}

std::size_t Exchange::begin(Downstream& client, const http::RequestHead& head, std::string_view rest) {
  client_ = &client;
  method_ = head.method;
  minor_ = head.minor;
  keep_alive_ = head.keep_alive;
  client_closes_ = !head.keep_alive;
  expects_continue_ = awaits_continue_ = head.expects_continue;
  idempotent_ = http::idempotent(head.method);
  for (const http::Field& field : head.fields) {
    if (field.name == http::FieldName::idempotency_key) idempotent_ = true;
    if (field.name == http::FieldName::accept) accept_ = reduced(field.value);
  }
  began_ = core_.loop().now();
  host_.assign(head.host);
  path_.assign(head.path);

  Switchboard::Routed routed = core_.switchboard().route(client.listener(), host_, path_);
  note_.begin(core_, client, head, routed.app);
  std::uint64_t max_body = UINT64_MAX;
  bool pool = true;
  if (routed.app != nullptr) {
    enter(*routed.app);
    max_body = options_->max_body;
    pool = options_->reuse != config::ProxyOptions::Reuse::never;
  }
  body_.start(head.body, head.body, max_body);
  if (head.body.kind == http::Framing::Kind::length && head.body.length > max_body) {
    answer(Reply::body_too_large);
    return 0;
  }
  http::write_request_head(
      head, {.client = client.address(), .trusted = client.trusted(), .keep_alive = pool}, held_);
  std::size_t taken = 0;
  while (taken < rest.size() && body_.reading()) {
    Pieces pieces;
    taken += body_.next(rest.substr(taken), pieces);
    forward(pieces);
  }
  if (!body_.reading() && !body_.finished()) {
    refuse_body();
  } else {
    proceed(std::move(routed));
  }
  return taken;
}

std::size_t Exchange::take_body(std::string_view bytes) {
  std::size_t taken = 0;
  if (!body_.reading()) return taken;
  awaits_continue_ = false;
  while (taken < bytes.size() && body_.reading()) {
    Pieces pieces;
    taken += body_.next(bytes.substr(taken), pieces);
    forward(pieces);
  }
  if (body_.reading()) {
    arm();
  } else if (!body_.finished()) {
    refuse_body();
  } else if (request_ == Request::relay) {
    request_ = Request::sent;
    arm();
  }
  return taken;
}

// Towards the instance, or into what is held for it.
void Exchange::forward(const Pieces& pieces) {
  note_.body(body_);
  bool connected = request_ == Request::relay;
  if (request_ == Request::dropped) {
    held_whole_ = false;
    return;
  }
  if (!connected || (held_whole_ && response_ == Response::waiting)) {
    for (std::string_view piece : pieces.slices()) held_.append(piece);
  }
  if (!connected) return;
  if (held_.size() > kHeldBody) forget_held();
  sent_ += pieces.bytes();
  switch (upstream_->stream().write(pieces.slices())) {
    case loop::WriteResult::done: return;
    case loop::WriteResult::queued:
      backlog_ = true;
      throttled_ = upstream_->stream().queued() > Downstream::kHighWater;
      return;
    case loop::WriteResult::broken: stop_sending(); return;
  }
}

void Exchange::forget_held() noexcept {
  held_whole_ = false;
  std::string().swap(held_);
}

bool Exchange::wants_bytes() const noexcept {
  if (!body_pending()) return true;
  switch (request_) {
    case Request::route: return true;
    case Request::hold: return false;
    case Request::connect: return held_.size() <= kHeldBody;
    case Request::relay:
    case Request::sent: return !throttled_;
    case Request::dropped: return true;
  }
  return true;
}

// Not the instance's fault: the client's framing is broken, or its body is too large.
void Exchange::refuse_body() {
  keep_alive_ = false;
  if (response_ == Response::flush) return;  // it is answered already, and the connection will close
  if (nothing_answered()) {
    answer(body_.state() == BodyRelay::State::too_large ? Reply::body_too_large : Reply::bad_body);
    return;
  }
  let_go();
  note_.ends_as("bad_body");
  finish(Ending::cut);
}

void Exchange::client_ended() {
  // A client that has finished sending may still read, but nobody waits half closed for an instance to start.
  if (response_ == Response::flush) return;
  if (body_pending() || request_ == Request::hold) client_gone();
}

void Exchange::client_gone() {
  let_go();
  finish(Ending::gone);
}

void Exchange::client_drained() {
  if (response_ == Response::flush) {
    end_response();
    return;
  }
  if (response_ != Response::body || !upstream_) return;
  if (!upstream_->stream().start_reading()) {
    cut();
    return;
  }
  arm();
}

void Exchange::enter(LocalApp& app) {
  if (app_ == &app) return;
  leave_app();
  app_ = &app;
  ++app.exchanges;
  app.budget.note_request(began_);
  if (!pin_) {
    pin_ = core_.tables().pin();
    options_ = app.routes->options.get();
  }
}

void Exchange::leave_app() noexcept {
  if (place_.waiting()) core_.hold_queue().leave(place_);
  if (app_ != nullptr) --app_->exchanges;
  app_ = nullptr;
}

// One deadline for what is being waited for now. Waiting for the client or for a body is bounded by the time
// without progress; for a response's head, by the time since the request's end.
void Exchange::arm() {
  loop::Deadline& deadline = client_->deadline();
  if (nothing_answered()) {
    // Waiting for an instance or a connection has its deadline already, whatever the client sends meanwhile.
    if (request_ == Request::hold || request_ == Request::connect) return;
    bool client_is_due = body_pending() && request_ != Request::dropped && !awaits_continue_;
    start_deadline(client_is_due ? options_->body_timeout : options_->request_timeout);
  } else if (client_->queued() > 0) {
    // An answer without a route has no options; it is small.
    if (!deadline.pending()) start_deadline(options_ != nullptr ? options_->send_timeout : kSendTimeout);
  } else if (body_pending() && response_ == Response::body) {
    start_deadline(options_->body_timeout);
  } else {
    deadline.cancel();
  }
}

void Exchange::start_deadline(base::Duration after) {
  progress_mark_ = progress();
  core_.deadlines().start(client_->deadline(), after);
}

std::uint64_t Exchange::progress() const noexcept {
  std::uint64_t taken = client_->taken();
  if (upstream_ && request_ != Request::connect) taken += sent_ - upstream_->stream().queued();
  return taken;
}

void Exchange::deadline_passed() {
  switch (request_) {
    case Request::hold: hold_passed(); return;
    case Request::connect: fail(Failure::connect, 0); return;
    case Request::route:
    case Request::relay:
    case Request::sent:
    case Request::dropped: break;
  }
  bool by_progress = body_pending() || response_ == Response::body || response_ == Response::flush;
  if (by_progress && progress() != progress_mark_) {
    arm();
    return;
  }
  if (nothing_answered()) {
    bool client_is_late = body_pending() && request_ == Request::relay && !throttled_ && !awaits_continue_;
    answer(client_is_late ? Reply::body_timeout : Reply::upstream_timeout);
    return;
  }
  // The client neither reads nor sends: nothing of it is the instance's fault, so nothing is counted.
  let_go();
  note_.ends_as("client_stalled");
  finish(Ending::cut);
}

}  // namespace gracevisor::proxy
