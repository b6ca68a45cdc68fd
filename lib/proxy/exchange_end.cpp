// How an exchange ends: with our own answer, with the whole response, or cut.
#include <algorithm>
#include <string>
#include <utility>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"
#include "proxy/exchange.h"

namespace gracevisor::proxy {
namespace {

constexpr int kServerError = 500;
}  // namespace

// Requires: nothing_answered(), or no attempt was made yet.
void Exchange::answer(const http::Refusal& why, const routing::Endpoint* at) {
  std::string message = message_of(why);
  if (why.status >= kServerError) message.append(" (").append(action()).append(")");
  if (why.status >= kServerError && app_ != nullptr && !client_has_left()) count_failure(why, at);
  count_unsent();
  let_go();
  if (raw_) {
    note_.because(why.reason);
    finish(Ending::cut);
    return;
  }
  keep_alive_ = keep_alive_ && body_.finished() && !client_->leaving();
  request_ = body_.finished() ? Request::sent : Request::dropped;
  std::string& out = core_.scratch();
  out.clear();
  http::write_own_answer({.status = why.status,
                          .reason = why.reason,
                          .message = message,
                          .accept = memo_.accept,
                          .request_id = memo_.request_id,
                          .page = error_page(why.status),
                          .head_request = memo_.method == http::Method::head,
                          .keep_alive = keep_alive_,
                          .retry_after = http::text_of(why.reason).retry_after,
                          .date = core_.date()},
                         out);
  note_.answered(why.status, why.reason, out);
  client_->count_own_answer();
  if (client_->write(out) == loop::WriteResult::broken) {
    finish(Ending::gone);
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
    finish(Ending::cut);
    return;
  }
  if (Site* site = lease_.site(); site != nullptr) site->cell.cut.add();
  count_failure(why, nullptr);
  note_.because(why);
  let_go();
  finish(Ending::cut);
}

void Exchange::count_failure(const http::Refusal& why, const routing::Endpoint* at) {
  app_->cell->failed.add();
  // Not for the log: that a stopped app does not answer is known.
  if (why.reason == Reply::stopped) return;
  if (Site* site = lease_.site(); at == nullptr && site != nullptr) at = site->endpoint.get();
  core_.tell_failure(*app_, why, at);
}

// The whole response is written or, counted as unsent, queued.
void Exchange::end_response() {
  response_ = Response::flush;
  if (client_->queued() > 0) {
    client_->deadline().cancel();
    arm();
    client_->update_reading();
    return;
  }
  if (keep_alive_) {
    finish(Ending::next);
  } else {
    finish(!memo_.keep_alive && body_.finished() ? Ending::close : Ending::linger);
  }
}

// Called before the lease ends: a daemon that shuts down must at every moment have one or the other to wait
// for.
void Exchange::count_unsent() noexcept {
  if (!std::exchange(unsent_, true)) core_.begin_unsent();
}

// Closes the connection to the instance if it is still ours, and only then ends the lease.
void Exchange::let_go() noexcept {
  let_go_of_app();
  response_conduit_.close();
}

// What came through the pipe may still have to go to the client.
void Exchange::let_go_of_app() noexcept {
  if (place_.waiting()) core_.hold_queue().leave(place_);
  leave_buffer();
  if (request_conduit_.is_open()) request_conduit_.close(client_->stream());
  upstream_.reset();
  lease_.end();
  backlog_ = throttled_ = false;
  sent_ = 0;
}

void Exchange::finish(Ending ending) {
  note_.end(client_->deaf() ? Ending::gone : ending, action());
  response_ = Response::done;
  if (app_ != nullptr) {
    routing::AppCell& cell = *app_->cell;
    cell.requests.add();
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(core_.loop().now() - memo_.began -
                                                                      gathered_for_)
                    .count();
    if (auto micros = static_cast<std::uint64_t>(took); micros > cell.slowest_us.read()) {
      cell.slowest_us.set(micros);
    }
  }
  Downstream& client = *client_;
  abandon();
  client.exchange_ended(ending);
}

void Exchange::leave_closing_site() {
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
  if (std::exchange(unsent_, false)) core_.end_unsent();
  let_go();
  leave_app();
  pin_.release();
  options_ = nullptr;
  client_ = nullptr;
  request_ = Request::route;
  response_ = Response::waiting;
  memo_.clear();
  keep_alive_ = true;
  raw_ = awaits_continue_ = false;
  body_bytes_ = 0;
  recycle(held_);
  recycle(inbox_);
  held_whole_ = true;
  fresh_only_ = upstream_keep_ = ends_with_close_ = slow_stream_ = false;
  framing_at_ = 0;
  gathered_for_ = {};
  pace_.stop();
  connects_failed_ = 0;
  doubted_.reset();
  replays_ = hold_turns_ = interims_ = 0;
  held_since_ = {};
  progress_mark_ = 0;
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
