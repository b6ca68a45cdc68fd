#include "proxy/tunnel.h"

#include <utility>

#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {
// How long a WebSocket's ends may take to answer our Close frames.
constexpr base::Duration kCloseWait = std::chrono::seconds(5);
// Reconnects are spread over this many moments: each is its own list in the deadlines.
constexpr unsigned kMoments = 16;
constexpr std::string_view kAction = "tunnelling";
}  // namespace

Tunnel::Tunnel(Kit& kit, ClientStream& client, TunnelParts parts)
    : kit_(kit),
      client_(&client),
      kind_(parts.kind),
      pin_(std::move(parts.pin)),
      options_(*parts.options),
      app_(parts.app),
      lease_(std::move(parts.lease)),
      upstream_(std::move(parts.upstream)),
      close_deadline_(*this),
      note_(std::move(parts.note)) {
  lease_.site()->cell.tunnels.add();
  upstream_->stream().observe_with(*this);
  ++kit_.tunnels;
}

Tunnel::~Tunnel() {
  abandon();
}

void Tunnel::start(std::string_view from_client, std::string_view from_app) {
  touch();
  if (!from_app.empty()) on_bytes(from_app);
  if (!ended_ && !from_client.empty()) (void)take(from_client);
  if (!ended_ && client_->ended()) client_ended();
  if (!ended_) look_at_site();
}

std::size_t Tunnel::take(std::string_view bytes) {
  const std::size_t size = bytes.size();
  touch();
  note_.tunnelled(size);
  if (kind_ == Kind::websocket) {
    // Until the app is told, the rest of a frame still passes; after it only a Close counts.
    std::size_t rest = close_ == Close::closing && !app_told_ ? client_frames_.until_boundary(bytes) : 0;
    bool pass_all = close_ != Close::closing;
    client_frames_.pass(bytes);
    if (!app_told_) to_app(pass_all ? bytes : bytes.substr(0, rest));
    if (ended_) return size;
    if (close_ == Close::closing) tell_app();
    if (!ended_) end_if_done();
    return size;
  }
  to_app(bytes);
  return size;
}

void Tunnel::on_bytes(std::string_view bytes) {
  touch();
  if (kind_ == Kind::websocket) {
    std::size_t rest = close_ == Close::closing && !client_told_ ? app_frames_.until_boundary(bytes) : 0;
    bool pass_all = close_ != Close::closing;
    app_frames_.pass(bytes);
    if (!client_told_) to_client(pass_all ? bytes : bytes.substr(0, rest));
    if (ended_) return;
    if (close_ == Close::closing) tell_client();
    if (!ended_) end_if_done();
    return;
  }
  to_client(bytes);
}

void Tunnel::to_client(std::string_view bytes) {
  if (bytes.empty()) return;
  if (client_->raw(bytes) == Sent::broken) {
    end(Over::gone);
  } else if (client_->queued() > ClientStream::kHighWater) {
    upstream_->stream().stop_reading();
  }
}

void Tunnel::to_app(std::string_view bytes) {
  if (bytes.empty() || upstream_ == nullptr) return;
  if (upstream_->stream().write(bytes) == loop::WriteResult::broken) {
    // What the app sent before it went may still be read; the end of input will come.
    app_gone_ = app_ended_;
    end_if_done();
    return;
  }
  to_app_ += bytes.size();
  throttled_ = upstream_->stream().queued() > ClientStream::kHighWater;
  client_->reading_changed();
}

void Tunnel::client_ended() {
  client_ended_ = true;
  touch();
  upstream_->stream().finish_writing();
  end_if_done();
}

void Tunnel::on_end() {
  app_ended_ = true;
  touch();
  client_->finish();
  end_if_done();
}

void Tunnel::client_gone() {
  end(Over::gone);
}

void Tunnel::on_broken(int /*code*/) {
  if (app_ended_) {
    // It had said everything: only what it would have read is lost.
    app_gone_ = true;
    end_if_done();
  } else {
    end(Over::cut, http::Reason::upstream_truncated);
  }
}

void Tunnel::client_drained() {
  touch();
  if (!app_ended_ && !upstream_->stream().start_reading()) {
    end(Over::cut, http::Reason::upstream_truncated);
    return;
  }
  end_if_done();
}

void Tunnel::on_drained() {
  throttled_ = false;
  touch();
  client_->reading_changed();
  end_if_done();
}

// Something moved, or the state changed: the wait begins anew.
void Tunnel::touch() {
  progress_mark_ = progress();
  bool half = client_ended_ || app_ended_;
  kit_.deadlines.start(client_->deadline(), half ? options_.half_close_timeout : options_.tunnel_timeout);
}

// A shrinking queue is progress as well, although no callback reports it.
std::uint64_t Tunnel::progress() const noexcept {
  return client_->taken() + to_app_ - upstream_->stream().queued();
}

void Tunnel::deadline_passed() {
  if (progress() != progress_mark_) {
    touch();
    return;
  }
  if (kind_ == Kind::websocket && close_ != Close::closing) {
    begin_close();
  } else {
    end(early_end(), http::Reason::tunnel_timeout);
  }
}

// Before both directions have ended: does the client know that nothing more comes?
Over Tunnel::early_end() const noexcept {
  bool told = client_told_ || (app_ended_ && client_->queued() == 0);
  return told ? Over::complete : Over::cut;
}

void Tunnel::look_at_site() {
  const Site& site = *lease_.site();
  if (site.closing) {
    leave_listener();
    return;
  }
  const routing::ListenerRoutes* listener = client_->listener();
  const bool listener_leaves = listener == nullptr || listener->leaving;
  if (site.target && !listener_leaves) {
    if (close_ == Close::due) {
      close_ = Close::none;
      close_deadline_.cancel();
    }
    return;
  }
  if (close_ != Close::none || kind_ == Kind::raw) return;  // TCP waits for the drain deadline
  const routing::AppRoutes* routes = app_->routes;
  auto policy = routes == nullptr ? config::Deploy::Upgraded::now : routes->upgraded;
  switch (policy) {
    case config::Deploy::Upgraded::wait: return;
    case config::Deploy::Upgraded::now: begin_close(); return;
    case config::Deploy::Upgraded::close:
      close_ = Close::due;
      kit_.deadlines.start(close_deadline_, routes->drain_window / 2 * (kit_.random() % kMoments) / kMoments);
      return;
  }
}

// No time is left for an answer.
void Tunnel::leave_listener() {
  if (close_ != Close::closing) {
    lease_.site()->cell.cut.add();
    begin_close();
  }
  if (!ended_) end(early_end(), http::Reason::drained);
}

void Tunnel::on_deadline() {
  if (close_ == Close::closing) {
    end(early_end(), http::Reason::drained);
  } else {
    begin_close();
  }
}

// A tunnel that is not a WebSocket has no way to say that it is over.
void Tunnel::begin_close() {
  close_ = Close::closing;
  if (kind_ != Kind::websocket) {
    end(Over::complete);
    return;
  }
  kit_.deadlines.start(close_deadline_, kCloseWait);
  tell_client();
  if (!ended_) tell_app();
  if (!ended_) end_if_done();
}

void Tunnel::tell_client() {
  if (client_told_ || app_ended_ || !app_frames_.at_boundary()) return;
  client_told_ = true;
  if (client_->raw(WebSocketClose(CloseFrom::server, kServiceRestart).bytes()) == Sent::broken) {
    end(Over::gone);
  }
}

void Tunnel::tell_app() {
  if (app_told_ || !client_frames_.at_boundary()) return;
  app_told_ = true;
  // An app that no longer takes anything is about to end anyway.
  (void)upstream_->stream().write(WebSocketClose(CloseFrom::client, kGoingAway).bytes());
}

void Tunnel::end_if_done() {
  bool client_done = client_ended_ || app_gone_ || (close_ == Close::closing && client_frames_.closing());
  bool app_done = app_ended_ || (close_ == Close::closing && app_frames_.closing());
  if (!client_done || !app_done || client_->queued() > 0) return;
  if (!app_gone_ && upstream_->stream().queued() > 0) return;
  end(Over::complete);
}

void Tunnel::end(Over how, http::Reason why) {
  if (ended_) return;
  app_->cell->requests.add();
  if (how == Over::cut) note_.because(why);
  note_.end(how, kAction);
  ClientStream& client = *client_;
  abandon();
  client.over(how, false);  // what the client still sends is nobody's
}

void Tunnel::abandon() noexcept {
  if (ended_) return;
  ended_ = true;
  note_.abandon(kAction);
  close_deadline_.cancel();
  lease_.site()->cell.tunnels.subtract();
  upstream_.reset();
  lease_.end();
  --app_->exchanges;
  pin_.release();
  --kit_.tunnels;
}

}  // namespace gracevisor::proxy
