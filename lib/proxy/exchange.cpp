#include "proxy/exchange.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kSendTimeout = std::chrono::seconds(30);  // for an answer without an app

http::FieldEdits edits_of(const config::HeaderRules& rules) noexcept {
  return {.set = rules.set, .remove = rules.remove};
}

}  // namespace

Exchange::Exchange(Core& core)
    : core_(core),
      request_conduit_(core.pipes()),
      buffer_(*this),
      place_(*this),
      response_conduit_(core.pipes()) {}

Exchange::~Exchange() {
  abandon();
}

std::size_t Exchange::begin(Downstream& client, const http::RequestHead& head, std::string_view rest) {
  client_ = &client;
  memo_.take(head, core_.loop().now());
  if (memo_.request_id.empty()) memo_.request_id.assign(core_.request_ids().next());
  keep_alive_ = memo_.keep_alive;
  awaits_continue_ = memo_.expects_continue;

  Switchboard::Routed routed = match(&head);
  memo_.affinity = routed.affinity;
  if (routed.app != nullptr) enter(*routed.app);
  note_.begin(core_, client, head, routed.app, memo_.request_id);
  if (client.ended() && !serves_half_closed()) {
    // The client sent this behind a request whose answer it did not await.
    client_gone();
    return 0;
  }
  if (!acceptable(head)) return 0;
  const bool gathers = may_gather(head, routed.answer);
  write_head(head, routed, gathers);
  if (gathers) {
    body_.withhold_chunks();
    memo_.expects_continue = false;  // what the app says to that no longer matters
  }
  const std::size_t taken = read_body(rest);
  if (!body_.reading() && !body_.finished()) {
    refuse_body();
  } else if (gathers && !gathered()) {
    gather();
  } else {
    if (gathers) frame_gathered();
    core_.switchboard().lease(routed, nullptr);
    proceed(std::move(routed));
  }
  return taken;
}

// Begins to read the body, and answers requests that need no instance; false if it answered.
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

void Exchange::write_head(const http::RequestHead& head, const Switchboard::Routed& routed, bool gathers) {
  if (options_ == nullptr) return;
  using Options = config::ProxyOptions;
  framing_at_ = http::write_request_head(
      head,
      {.client = client_->address(),
       .proto = head.https ? "https" : "http",
       .trusted = client_->trusted(),
       .keep_alive = options_->reuse != Options::Reuse::never,
       .trailers = !options_->trailers.empty(),
       .request_id = memo_.request_id,
       .via = options_->via,
       .keep_underscores = options_->underscore_headers == Options::Underscores::pass,
       .expect = !gathers,
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
    // No client waits for the content: this is all the time it gets.
    if (nothing_answered() || !deadline.pending()) start_deadline(options_->request_timeout);
    return;
  }
  if (nothing_answered()) {
    // Waiting for an instance or a connection has its deadline already, whatever the client sends meanwhile.
    if (raw_ || request_ == Request::hold || request_ == Request::connect) return;
    if (request_ == Request::gather) {
      const bool stream = body_.chunked() && !slow_stream_;
      start_deadline(stream ? std::min<base::Duration>(kSlowStream, options_->body_timeout)
                            : options_->body_timeout);
      return;
    }
    bool client_is_due = body_pending() && request_ != Request::dropped && !awaits_continue_;
    start_deadline(client_is_due ? options_->body_timeout : options_->request_timeout);
  } else if (client_->queued() > 0) {
    if (!deadline.pending()) watch_reader();
  } else if (body_pending() && response_ == Response::body) {
    pace_.stop();
    start_deadline(options_->body_timeout);
  } else {
    pace_.stop();
    deadline.cancel();
  }
}

// An answer without a route has no options, and is small.
void Exchange::watch_reader() {
  pace_.begin(core_.loop().now(), progress());
  start_deadline(ReaderPace::tick(options_ != nullptr ? options_->send_timeout : kSendTimeout));
}

// Bytes wait for the client: does it take them too slowly, or not at all? A client that still sends is judged
// by that.
bool Exchange::reader_lags() noexcept {
  const bool judged = options_ != nullptr && options_->min_send_rate > 0 && !body_pending();
  const ReaderPace::Look look{.now = core_.loop().now(),
                              .progress = progress(),
                              .taken = judged ? client_->acknowledged() : 0,
                              .timeout = options_ != nullptr ? options_->send_timeout : kSendTimeout,
                              .min_rate = judged ? options_->min_send_rate : 0};
  return pace_.look(look) != ReaderPace::Verdict::fine;
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
    case Request::gather:
      if (body_.chunked() && !slow_stream_ && options_->body_timeout > kSlowStream) {
        note_slow_stream();
        start_deadline(options_->body_timeout - kSlowStream);
      } else {
        answer(Reply::body_timeout);
      }
      return;
    case Request::route:
    case Request::relay:
    case Request::sent:
    case Request::dropped: break;
  }
  if (!nothing_answered() && !client_->deaf() && client_->queued() > 0 && pace_.watching()) {
    if (reader_lags()) {
      cut_client("client_stalled", Reply::send_timeout);
    } else {
      start_deadline(ReaderPace::tick(options_ != nullptr ? options_->send_timeout : kSendTimeout));
    }
    return;
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
