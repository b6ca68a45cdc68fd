// How an exchange ends: with our own answer, with the whole response, or cut.
#include <algorithm>
#include <string>
#include <utility>

#include "http/forward.h"
#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {

// Requires: nothing_answered(), or no attempt was made yet.
void Exchange::answer(const http::Refusal& why, const routing::Endpoint* at) {
  std::string message = message_of(why);
  if (why.status >= http::kServerError) message.append(" (").append(action()).append(")");
  if (why.status >= http::kServerError && app_ != nullptr && !client_has_left()) count_failure(why, at);
  count_unsent();
  let_go();
  if (raw_) {
    note_.because(why.reason);
    finish(Over::cut);
    return;
  }
  request_ = body_.finished() ? Request::sent : Request::dropped;
  note_.answered(why.status, why.reason);
  const HeadSent answered = client_->answer({.status = why.status,
                                             .reason = why.reason,
                                             .message = message,
                                             .accept = memo_.accept,
                                             .request_id = memo_.request_id,
                                             .page = error_page(why.status),
                                             .head_request = memo_.method == http::Method::head,
                                             .retry_after = http::text_of(why.reason).retry_after,
                                             .date = {}},
                                            body_.finished());
  note_.sent_head(answered.bytes);
  if (answered.sent == Sent::broken) {
    finish(Over::gone);
    return;
  }
  end_response();
}

std::string_view Exchange::error_page(int status) const noexcept {
  if (options_ == nullptr) return {};
  // The narrowest: a table in TOML has no order.
  const config::ErrorPage* best = nullptr;
  const auto width = [](const config::StatusRange& statuses) { return statuses.last - statuses.first; };
  for (const config::ErrorPage& page : options_->error_pages) {
    if (status < page.statuses.first || status > page.statuses.last) continue;
    if (best == nullptr || width(page.statuses) < width(best->statuses)) best = &page;
  }
  return best != nullptr ? std::string_view(best->html) : std::string_view();
}

// The instance's response ended early, or we end it: the client must see that it is incomplete.
void Exchange::cut(Reply why) {
  if (client_has_left()) {
    let_go();
    note_.client_left();
    finish(Over::cut);
    return;
  }
  if (Site* site = lease_.site(); site != nullptr) site->cell.cut.add();
  count_failure(why, nullptr);
  note_.because(why);
  let_go();
  finish(Over::cut);
}

void Exchange::count_failure(const http::Refusal& why, const routing::Endpoint* at) {
  app_->cell->failed.add();
  // Not for the log: that a stopped app does not answer is known.
  if (why.reason == Reply::stopped) return;
  if (Site* site = lease_.site(); at == nullptr && site != nullptr) at = site->endpoint.get();
  kit_.notices.failure(*app_->ledger, why, at);
}

// The whole response is written or, counted as unsent, queued.
void Exchange::end_response() {
  response_ = Response::flush;
  if (client_->queued() > 0) {
    client_->deadline().cancel();
    arm();
    client_->reading_changed();
    return;
  }
  finish(Over::complete);
}

// Called before the lease ends: a daemon that shuts down must at every moment have one or the other to wait
// for.
void Exchange::count_unsent() noexcept {
  if (!std::exchange(answer_.unsent, true)) kit_.notices.begin_unsent();
}

// Closes the connection to the instance if it is still ours, and only then ends the lease.
void Exchange::let_go() noexcept {
  let_go_of_app();
  response_conduit_.close();
}

// What came through the pipe may still have to go to the client.
void Exchange::let_go_of_app() noexcept {
  if (place_.waiting()) kit_.hold_queue.leave(place_);
  leave_buffer();
  close_request_conduit();
  upstream_.reset();
  lease_.end();
  attempt_ = {};
}

void Exchange::finish(Over how) {
  note_.end(client_->deaf() ? Over::gone : how, action());
  response_ = Response::done;
  if (app_ != nullptr) {
    routing::AppCell& cell = *app_->cell;
    cell.requests.add();
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(kit_.loop.now() - memo_.began -
                                                                      upload_.gathered_for)
                    .count();
    if (auto micros = static_cast<std::uint64_t>(took); micros > cell.slowest_us.read()) {
      cell.slowest_us.set(micros);
    }
  }
  ClientStream& client = *client_;
  const bool request_read = how == Over::complete && body_.finished();
  abandon();
  client.over(how, request_read);
}

void Exchange::look_at_site() {
  Site* site = lease_.site();
  if (site == nullptr || !site->closing) return;
  if (request_ == Request::connect) {
    // Nothing was sent: another instance may take it.
    let_go();
    route_again(nullptr);
  } else if (nothing_answered()) {
    answer(Reply::drained);
  } else {
    cut(Reply::drained);
  }
}

// The listener of its client's connection is gone.
void Exchange::leave_listener() {
  if (nothing_answered()) {
    answer(Reply::drained);
  } else if (response_ == Response::body) {
    cut(Reply::drained);
  }
}

// Back to a new exchange, except that the memory of its strings is kept.
void Exchange::abandon() noexcept {
  note_.abandon(action());
  if (std::exchange(answer_.unsent, false)) kit_.notices.end_unsent();
  let_go();
  leave_app();
  pin_.release();
  options_ = nullptr;
  client_ = nullptr;
  request_ = Request::route;
  response_ = Response::waiting;
  memo_.clear();
  raw_ = false;
  recycle(held_);
  recycle(inbox_);
  held_whole_ = true;
  framing_at_ = 0;
  upload_ = {};
  tries_ = {};
  waiting_ = {};
  answer_ = {};
  progress_mark_ = 0;
  pace_.stop();
}

std::string_view Exchange::action() const noexcept {
  switch (response_) {
    case Response::head: return "reading the response's head";
    case Response::body: return "relaying the response";
    case Response::flush:
    case Response::parting: return "sending the response to the client";
    case Response::done: return "done";
    case Response::waiting: break;
  }
  switch (request_) {
    case Request::route: return "choosing an instance";
    case Request::gather: return "reading the request's body";
    case Request::hold: return "waiting for an instance";
    case Request::connect: return "connecting to the instance";
    case Request::relay: return "sending the request";
    case Request::sent:
    case Request::dropped: return "waiting for the response's head";
  }
  return {};
}

}  // namespace gracevisor::proxy
