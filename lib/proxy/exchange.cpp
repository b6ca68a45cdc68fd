#include "proxy/exchange.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "http/forward.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kSendTimeout = std::chrono::seconds(30);  // for an answer without an app

http::FieldEdits edits_of(const config::HeaderRules& rules) noexcept {
  return {.set = rules.set, .remove = rules.remove};
}

}  // namespace

Exchange::Exchange(Kit& kit)
    : kit_(kit), request_conduit_(kit.pipes), buffer_(*this), place_(*this), response_conduit_(kit.pipes) {}

Exchange::~Exchange() {
  abandon();
}

std::size_t Exchange::begin(ClientStream& client, const http::RequestHead& head, std::string_view rest) {
  client_ = &client;
  memo_.take(head, kit_.loop.now());
  if (memo_.request_id.empty()) memo_.request_id.assign(kit_.request_ids.next());
  upload_.awaits_continue = memo_.expects_continue;

  Switchboard::Routed routed = match(&head);
  memo_.affinity = routed.affinity;
  if (routed.app != nullptr) enter(*routed.app);
  note_.begin(kit_, client, head, routed.app, memo_.request_id);
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
    kit_.switchboard.lease(routed, nullptr);
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
  const ClientStream::Facts client = client_->facts();
  framing_at_ = http::write_request_head(
      head,
      {.client = client.address,
       .proto = head.https ? "https" : "http",
       .trusted = client.trusted,
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

void Exchange::begin_raw(ClientStream& client) {
  client_ = &client;
  raw_ = true;
  memo_.take_raw(kit_.loop.now());
  constexpr http::Framing kStream{.kind = http::Framing::Kind::until_close, .length = 0};
  body_.start(kStream, kStream);
  Switchboard::Routed routed = route(nullptr, nullptr);
  memo_.affinity = routed.affinity;
  if (routed.app != nullptr) enter(*routed.app);
  note_.begin(kit_, client, routed.app);
  proceed(std::move(routed));
}

void Exchange::enter(LocalApp& app) {
  if (app_ == &app) return;
  leave_app();
  app_ = &app;
  ++app.exchanges;
  app.budget.note_request(memo_.began);
  if (!pin_) {
    pin_ = kit_.tables.pin();
    options_ = app.routes->options.get();
  }
}

void Exchange::leave_app() noexcept {
  if (place_.waiting()) kit_.hold_queue.leave(place_);
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
      const bool stream = body_.chunked() && !upload_.slow_stream;
      start_deadline(stream ? std::min<base::Duration>(kSlowStream, options_->body_timeout)
                            : options_->body_timeout);
      return;
    }
    bool client_is_due = body_pending() && request_ != Request::dropped && !upload_.awaits_continue;
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
base::Duration Exchange::send_timeout() const noexcept {
  return options_ != nullptr ? options_->send_timeout : kSendTimeout;
}

void Exchange::watch_reader() {
  pace_.begin(kit_.loop.now(), progress());
  start_deadline(ReaderPace::tick(send_timeout()));
}

// Bytes wait for the client: does it take them too slowly, or not at all? A client that still sends is judged
// by that.
bool Exchange::reader_lags() noexcept {
  const bool judged = options_ != nullptr && options_->min_send_rate > 0 && !body_pending();
  const ReaderPace::Look look{.now = kit_.loop.now(),
                              .progress = progress(),
                              .taken = judged ? client_->acknowledged() : 0,
                              .timeout = send_timeout(),
                              .min_rate = judged ? options_->min_send_rate : 0};
  return pace_.look(look) != ReaderPace::Verdict::fine;
}

void Exchange::start_deadline(base::Duration after) {
  progress_mark_ = progress();
  kit_.deadlines.start(client_->deadline(), after);
}

std::uint64_t Exchange::progress() const noexcept {
  std::uint64_t taken = client_->taken();
  if (upstream_ && request_ != Request::connect) taken += attempt_.sent - upstream_->stream().queued();
  return taken;
}

void Exchange::deadline_passed() {
  switch (request_) {
    case Request::hold: hold_passed(); return;
    case Request::connect: fail(Failure::connect, 0); return;
    case Request::gather:
      if (body_.chunked() && !upload_.slow_stream && options_->body_timeout > kSlowStream) {
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
      start_deadline(ReaderPace::tick(send_timeout()));
    }
    return;
  }
  bool by_progress = body_pending() || response_ == Response::body || response_ == Response::flush;
  if (by_progress && !client_->deaf() && progress() != progress_mark_) {
    arm();
    return;
  }
  if (nothing_answered()) {
    bool client_is_late =
        body_pending() && request_ == Request::relay && !attempt_.throttled && !upload_.awaits_continue;
    answer(client_is_late ? Reply::body_timeout : Reply::upstream_timeout);
    return;
  }
  // The client neither reads nor sends.
  cut_client("client_stalled", Reply::send_timeout);
}

}  // namespace gracevisor::proxy
