// An exchange's response: its head is read and rewritten, its content passed on.
#include <algorithm>
#include <utility>

#include "http/forward.h"
#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {
constexpr int kSwitchingProtocols = 101;
constexpr int kContinue = 100;
constexpr int kServiceUnavailable = 503;
}  // namespace

void Exchange::on_bytes(std::string_view bytes) {
  switch (response_) {
    case Response::waiting:
    case Response::head: read_head(bytes); return;
    case Response::body: relay_response(bytes); return;
    case Response::flush:
    case Response::parting:
    case Response::done: return;
  }
}

void Exchange::read_head(std::string_view bytes) {
  const auto look = inbox_.empty() ? http::Look::first : http::Look::again;
  if (!inbox_.empty()) bytes = inbox_.append(bytes);
  for (;;) {
    http::ResponseHead& head = kit_.response_head;
    http::HeadLimits limits;
    limits.head = options_->max_response_head;
    limits.field = std::min(limits.field, limits.head);
    http::HeadResult result = kit_.heads.read_response(bytes, limits, memo_.method, head, look);
    switch (result.state) {
      case http::HeadState::refused: answer(result.refusal); return;
      case http::HeadState::incomplete:
        // `bytes` is either all of the inbox, or what follows an interim head in it, or none of it.
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
    if (!pass_interim(head, bytes)) return;
    response_ = Response::head;
    if (bytes.empty()) {
      inbox_.clear();
      return;
    }
  }
}

// Does the 101 answer what was asked, with nothing of the request still on its way?
bool Exchange::changes_protocol(const http::ResponseHead& head) const noexcept {
  return head.status == kSwitchingProtocols && request_ == Request::sent && !attempt_.backlog &&
         !memo_.upgrade.empty() && http::upgrade_matches(memo_.upgrade, head.upgrade);
}

// False when that ended the exchange. `rest` came behind it.
bool Exchange::pass_interim(const http::ResponseHead& head, std::string_view rest) {
  bool changes = changes_protocol(head);
  if (head.status == kSwitchingProtocols && !changes) {
    answer(Reply::unasked_upgrade);
    return false;
  }
  if (++answer_.interims > options_->max_interim_responses + (changes ? 1U : 0U)) {
    answer(Reply::too_many_interim);
    return false;
  }
  if (!changes) extend_patience(head.status);
  if (head.status == kContinue && !memo_.expects_continue) return true;
  if (changes) note_.head(head.status);
  const std::uint64_t taken = client_->taken();
  const HeadSent passed = client_->interim(head);
  note_.sent_head(passed.bytes);
  if (passed.sent == Sent::broken) {
    client_gone();
    return !over();
  }
  progress_mark_ += client_->taken() - taken;  // progress of the app, not of a client that owes its body
  if (changes) {
    note_.upgraded();
    lease_.site()->cell.requests.add();
    bool websocket = http::equals_ignoring_case(head.upgrade, "websocket");
    // The bytes behind the head may lie in the inbox, which the exchange takes with it.
    std::string early(rest);
    become_tunnel(websocket ? Tunnel::Kind::websocket : Tunnel::Kind::upgraded, early);
    return false;
  }
  return true;
}

// An app that says it is working on a request gets request_timeout anew, max_interim_responses times. A
// client that owes its body gets no more time from that, unless it is the 100 that it waits for.
void Exchange::extend_patience(int status) {
  if (status == kContinue && upload_.awaits_continue) {
    upload_.awaits_continue = false;
    let_body_flow();
  } else if (body_pending() && request_ != Request::dropped && !upload_.awaits_continue) {
    return;
  }
  arm();
}

// May another instance take the request, because this one says that it is currently unavailable?
bool Exchange::worth_another(const http::ResponseHead& head) {
  return options_->retry_503 && head.status == kServiceUnavailable && head.retry_after && memo_.idempotent &&
         held_whole_ && body_.finished() && tries_.replays == 0 && app_->targets.size() > 1 &&
         app_->budget.allows(kit_.loop.now());
}

void Exchange::start_response(const http::ResponseHead& head, std::string_view rest) {
  Site& site = *lease_.site();
  site.ejection.note_success();
  routing::LedgerCell& cell = site.cell;
  if (!client_has_left()) {
    cell.requests.add();
    if (head.status >= http::kServerError) cell.server_errors.add();
  }
  if (head.repaired) app_->cell->repaired.add();
  if (worth_another(head)) {
    try_elsewhere(site);
    return;
  }
  if (head.status >= http::kServerError) app_->cell->server_errors.add();

  answer_.upstream_keep = head.keep_alive && head.body.kind != http::Framing::Kind::until_close;
  if (answer_.upstream_keep) upstream_->note_keep_alive(head.keep_alive_timeout);
  response_body_.start(head.body,
                       {.extensions = options_->max_chunk_extensions, .trailers = options_->max_trailers},
                       memo_.takes_trailers ? &options_->trailers : nullptr);
  response_ = Response::body;
  held_.clear();
  client_->deadline().cancel();
  note_.head(head.status);
  Pieces first;
  rest.remove_prefix(response_body_.next(rest, first));
  const config::HeaderRules& rules = options_->response_headers;
  const HeadSent begun = client_->head(head, {.set = rules.set, .remove = rules.remove}, body_.finished(),
                                       response_body_.of(first));
  note_.sent_head(begun.bytes);
  if (begun.sent == Sent::broken) {
    client_gone();
    if (over()) return;
  }
  relay_response(rest);
}

void Exchange::relay_response(std::string_view bytes) {
  while (!bytes.empty() && response_body_.reading()) {
    Pieces pieces;
    bytes.remove_prefix(response_body_.next(bytes, pieces));
    if (client_->content(response_body_.of(pieces)) == Sent::broken) {
      client_gone();
      if (over()) return;
    }
  }
  switch (response_body_.state()) {
    case ContentReader::State::reading:
      if (client_->queued() > ClientStream::kHighWater) upstream_->stream().stop_reading();
      open_response_conduit();
      arm();
      return;
    case ContentReader::State::finished:
      // Bytes behind the end belong to no request: the connection cannot be trusted with another.
      complete_response(bytes.empty());
      return;
    case ContentReader::State::malformed: cut(response_body_.reason()); return;
    case ContentReader::State::too_large: cut(Reply::chunk_too_large); return;
  }
}

void Exchange::end_of_response_input() {
  response_body_.end_of_input();
  if (!response_body_.finished()) {
    cut(Reply::upstream_truncated);
    return;
  }
  const Pieces none;
  if (client_->content(response_body_.of(none)) == Sent::broken) client_gone();
  if (!over()) complete_response(false);
}

void Exchange::complete_response(bool reusable) {
  Site& site = *lease_.site();
  response_conduit_.close(upstream_->stream());
  // Requests that must not be repeated dial and never take from the pool. One idle connection of theirs may
  // serve others; more would only occupy the app, in puma one thread each for 200 ms.
  bool surplus =
      options_->reuse == config::ProxyOptions::Reuse::idempotent && !memo_.idempotent && site.pool.size() > 0;
  bool pooled = reusable && answer_.upstream_keep && request_ == Request::sent && !attempt_.backlog &&
                site.target && !surplus && options_->reuse != config::ProxyOptions::Reuse::never;
  if (pooled) {
    site.pool.put(std::move(upstream_), {.age = options_->keep_alive,
                                         .requests = options_->keep_alive_requests,
                                         .in_use = site.cell.leases.read()});
  }
  if (request_ != Request::sent) request_ = Request::dropped;
  if (client_->queued() > 0) count_unsent();
  let_go();
  end_response();
}

}  // namespace gracevisor::proxy
