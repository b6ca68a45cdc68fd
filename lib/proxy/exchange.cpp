#include "proxy/exchange.h"

#include <cassert>
#include <chrono>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kSendTimeout = std::chrono::seconds(30);  // of an answer without an app

// A body may begin slowly, but not trickle for ever.
constexpr base::Duration kSlowBody = std::chrono::seconds(30);

http::FieldEdits edits_of(const config::HeaderRules& rules) noexcept {
  return {.set = rules.set, .remove = rules.remove};
}

}  // namespace

Exchange::Exchange(Core& core)
    : core_(core), request_conduit_(core.pipes()), place_(*this), response_conduit_(core.pipes()) {}

Exchange::~Exchange() {
  abandon();
}

std::size_t Exchange::begin(Downstream& client, const http::RequestHead& head, std::string_view rest) {
  client_ = &client;
  memo_.take(head, core_.loop().now());
  if (memo_.request_id.empty()) memo_.request_id.assign(core_.request_ids().next());
  keep_alive_ = memo_.keep_alive;
  awaits_continue_ = memo_.expects_continue;

  Switchboard::Routed routed = route(&head, nullptr);
  memo_.affinity = routed.affinity;
  if (routed.app != nullptr) enter(*routed.app);
  note_.begin(core_, client, head, routed.app, memo_.request_id);
  if (!acceptable(head)) return 0;
  write_head(head, routed);
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

// Begins to read the body, and answers what needs no instance; false when it did.
bool Exchange::acceptable(const http::RequestHead& head) {
  static const config::ProxyOptions kNoApp;
  const config::ProxyOptions& options = options_ != nullptr ? *options_ : kNoApp;
  body_.start(head.body, head.body,
              {.content = options_ != nullptr ? options.max_body : UINT64_MAX,
               .extensions = options.max_chunk_extensions,
               .trailers = options.max_trailers},
              options_ != nullptr ? &options.trailers : nullptr);
  if (head.body.kind == http::Framing::Kind::length && !body_.reading()) {
    answer(Reply::body_too_large);
    return false;
  }
  if (head.max_forwards && *head.max_forwards == 0) {
    answer(Reply::none);
    return false;
  }
  bool confusing =
      head.underscores && options.underscore_headers == config::ProxyOptions::Underscores::reject;
  if (confusing) answer(Reply::underscore_header);
  return !confusing;
}

void Exchange::write_head(const http::RequestHead& head, const Switchboard::Routed& routed) {
  if (options_ == nullptr) return;
  using Options = config::ProxyOptions;
  http::write_request_head(head,
                           {.client = client_->address(),
                            .proto = head.https ? "https" : "http",
                            .trusted = client_->trusted(),
                            .keep_alive = options_->reuse != Options::Reuse::never,
                            .trailers = !options_->trailers.empty(),
                            .request_id = memo_.request_id,
                            .via = options_->via,
                            .keep_underscores = options_->underscore_headers == Options::Underscores::pass,
                            .strip = options_->strip_path ? routed.prefix : 0,
                            .edits = edits_of(options_->request_headers)},
                           held_);
}

void Exchange::begin_raw(Downstream& client) {
  client_ = &client;
  raw_ = true;
  memo_.take_raw(core_.loop().now());
  keep_alive_ = false;
  constexpr http::Framing kStream{.kind = http::Framing::Kind::until_close, .length = 0};
  body_.start(kStream, kStream);
  Switchboard::Routed routed = route(nullptr, nullptr);
  memo_.affinity = routed.affinity;
  if (routed.app != nullptr) enter(*routed.app);
  note_.begin(core_, client, routed.app);
  proceed(std::move(routed));
}

std::size_t Exchange::take_body(std::string_view bytes) {
  std::size_t taken = 0;
  if (!body_.reading()) return taken;
  awaits_continue_ = false;
  if (!fast_enough(bytes.size())) {
    client_too_slow();
    return bytes.size();
  }
  while (taken < bytes.size() && body_.reading()) {
    Pieces pieces;
    taken += body_.next(bytes.substr(taken), pieces);
    forward(pieces);
  }
  if (body_.reading()) {
    // What the instance does not read any more puts off no answer of it.
    if (request_ != Request::dropped || !nothing_answered()) arm();
    open_request_conduit();
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
  if (!raw_) note_.body(body_);  // a tunnel counts what it is given
  bool connected = request_ == Request::relay;
  if (request_ == Request::dropped) {
    held_whole_ = false;
    return;
  }
  if (!connected || (held_whole_ && response_ == Response::waiting)) {
    for (std::string_view piece : pieces.slices()) held_.append(piece);
  } else {
    held_whole_ = false;
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

// On average, once the beginning is over: a client that sends a byte now and then holds an instance for
// nothing.
bool Exchange::fast_enough(std::size_t more) noexcept {
  body_bytes_ += more;
  if (options_ == nullptr || raw_ || throttled_ || request_ != Request::relay) return true;
  base::Duration took = core_.loop().now() - body_since_;
  if (took < kSlowBody) return true;
  auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(took).count());
  return body_bytes_ >= options_->min_body_rate * seconds;
}

void Exchange::client_too_slow() {
  if (nothing_answered()) {
    answer(Reply::body_timeout);
    return;
  }
  cut_client("client_stalled", Reply::body_timeout);
}

// The client's own doing, which is counted against nobody. `end` is a constant, for the access log.
void Exchange::cut_client(std::string_view end, Reply why) {
  let_go();
  note_.ends_as(end);
  note_.because(why);
  finish(Ending::cut);
}

// Not the instance's fault: the client's framing is broken, or its body is too large.
void Exchange::refuse_body() {
  keep_alive_ = false;
  if (response_ == Response::flush) return;  // it is answered already, and the connection will close
  const Reply why = body_.state() == BodyRelay::State::too_large ? Reply::body_too_large : body_.reason();
  if (nothing_answered()) {
    answer(why);
  } else {
    cut_client("bad_body", why);
  }
}

void Exchange::client_ended() {
  // In TCP mode the other direction goes on, once there is one.
  if (raw_ && request_ != Request::hold) return;
  // A client that has finished sending may still read, but nobody waits half closed for an instance to start.
  if (response_ == Response::flush) return;
  if (body_pending() || request_ == Request::hold) client_gone();
}

void Exchange::client_gone() {
  // Nothing would be at the other end of a tunnel.
  bool finish_it =
      options_ != nullptr && options_->on_client_abort == config::ProxyOptions::ClientAbort::finish &&
      request_ == Request::sent && response_ != Response::flush && !raw_ && memo_.upgrade.empty();
  if (finish_it && client_->go_deaf()) {
    keep_alive_ = false;
    response_conduit_.close(upstream_->stream());
    if (upstream_->stream().start_reading()) {
      start_deadline(options_->request_timeout);
      return;
    }
  }
  let_go();
  finish(Ending::gone);
}

void Exchange::client_drained() {
  if (response_ == Response::flush) {
    end_response();
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

void Exchange::enter(LocalApp& app) {
  if (app_ == &app) return;
  leave_app();
  app_ = &app;
  ++app.exchanges;
  app.budget.note_request(memo_.began);
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
  if (client_->deaf()) {
    // Nobody waits for the content: it has so much time in all.
    if (nothing_answered() || !deadline.pending()) start_deadline(options_->request_timeout);
    return;
  }
  if (nothing_answered()) {
    // Waiting for an instance or a connection has its deadline already, whatever the client sends meanwhile.
    if (raw_ || request_ == Request::hold || request_ == Request::connect) return;
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
  if (by_progress && !client_->deaf() && progress() != progress_mark_) {
    arm();
    return;
  }
  if (nothing_answered()) {
    bool client_is_late = body_pending() && request_ == Request::relay && !throttled_ && !awaits_continue_;
    answer(client_is_late ? Reply::body_timeout : Reply::upstream_timeout);
    return;
  }
  // The client neither reads nor sends.
  cut_client("client_stalled", Reply::send_timeout);
}

}  // namespace gracevisor::proxy
