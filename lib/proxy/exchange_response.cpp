// An exchange's response: its head read and rewritten, its content passed on.
#include <utility>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"
#include "proxy/exchange.h"

namespace gracevisor::proxy {
namespace {
constexpr unsigned kMaxInterims = 16;
constexpr int kSwitchingProtocols = 101;
constexpr int kContinue = 100;
}  // namespace

void Exchange::on_bytes(std::string_view bytes) {
  switch (response_) {
    case Response::waiting:
    case Response::head: read_head(bytes); return;
    case Response::body: relay_response(bytes, {}); return;
    case Response::flush:
    case Response::done: return;
  }
}

void Exchange::read_head(std::string_view bytes) {
  if (!inbox_.empty()) bytes = inbox_.append(bytes);
  for (;;) {
    http::ResponseHead& head = core_.response_head();
    http::HeadResult result = core_.heads().read_response(bytes, http::HeadLimits{}, method_, head);
    switch (result.state) {
      case http::HeadState::refused: answer(Reply::bad_response); return;
      case http::HeadState::incomplete:
        // Either all of the inbox, or what follows an interim head somewhere in it, or nothing of it.
        if (bytes.data() != inbox_.data()) inbox_ = std::string(bytes);
        response_ = Response::head;
        return;
      case http::HeadState::complete: break;
    }
    bytes.remove_prefix(result.size);
    if (!head.interim()) {
      start_response(head, bytes);
      return;
    }
    if (!pass_interim(head)) return;
    response_ = Response::head;
    if (bytes.empty()) {
      inbox_.clear();
      return;
    }
  }
}

// False when that ended the exchange.
bool Exchange::pass_interim(const http::ResponseHead& head) {
  // Upgrade is never forwarded, so nothing was asked that 101 could answer.
  if (head.status == kSwitchingProtocols || ++interims_ > kMaxInterims) {
    answer(Reply::bad_response);
    return false;
  }
  if (minor_ == 0 || (head.status == kContinue && !expects_continue_)) return true;
  std::string& out = core_.scratch();
  out.clear();
  http::write_interim_head(head, out);
  if (client_->write(out) == loop::WriteResult::broken) {
    client_gone();
    return false;
  }
  if (head.status == kContinue && awaits_continue_) {
    awaits_continue_ = false;
    arm();
  }
  return true;
}

void Exchange::start_response(const http::ResponseHead& head, std::string_view rest) {
  routing::LedgerCell& cell = lease_.site()->cell;
  cell.requests.add();
  if (head.status >= 500) cell.server_errors.add();

  // A response before the request's end: the rest of the request is not worth a connection that goes on.
  http::ResponseForward how{.client_minor = minor_,
                            .client_keep_alive = keep_alive_ && body_.finished() && !core_.closing(),
                            .date = core_.date()};
  http::ResponsePlan plan = http::plan_response(head, how);
  keep_alive_ = plan.keep_alive;
  upstream_keep_ = head.keep_alive && head.body.kind != http::Framing::Kind::until_close;
  std::string& out = core_.scratch();
  out.clear();
  http::write_response_head(head, plan, how, out);
  note_.head(head.status, out.size());
  response_body_.start(head.body, plan.framing);
  response_ = Response::body;
  held_.clear();
  client_->deadline().cancel();
  relay_response(rest, out);
}

// `prefix` goes before what becomes of `bytes`, in the same write.
void Exchange::relay_response(std::string_view bytes, std::string_view prefix) {
  do {
    Pieces pieces;
    pieces.add(std::exchange(prefix, {}));
    bytes.remove_prefix(response_body_.next(bytes, pieces));
    if (client_->write(pieces.slices()) == loop::WriteResult::broken) {
      client_gone();
      return;
    }
  } while (!bytes.empty() && response_body_.reading());
  switch (response_body_.state()) {
    case BodyRelay::State::reading:
      if (client_->queued() > Downstream::kHighWater) upstream_->stream().stop_reading();
      arm();
      return;
    case BodyRelay::State::finished:
      // Bytes behind the end belong to no request: the connection is not to be trusted with another.
      complete_response(bytes.empty());
      return;
    case BodyRelay::State::malformed:
    case BodyRelay::State::too_large: cut(); return;
  }
}

void Exchange::end_of_response_input() {
  Pieces pieces;
  response_body_.end_of_input(pieces);
  if (!response_body_.finished()) {
    cut();
  } else if (client_->write(pieces.slices()) == loop::WriteResult::broken) {
    client_gone();
  } else {
    complete_response(false);
  }
}

void Exchange::complete_response(bool reusable) {
  Site& site = *lease_.site();
  bool pooled = reusable && upstream_keep_ && request_ == Request::sent && !backlog_ && site.target &&
                options_->reuse != config::ProxyOptions::Reuse::never;
  if (pooled) site.pool.put(std::move(upstream_));
  if (request_ != Request::sent) request_ = Request::dropped;
  let_go();
  end_response();
}

}  // namespace gracevisor::proxy
