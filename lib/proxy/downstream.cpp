#include "proxy/downstream.h"

#include <algorithm>
#include <utility>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/proxy_protocol.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kPrefaceTimeout = std::chrono::seconds(5);
constexpr base::Duration kBusyIdleTimeout = std::chrono::seconds(5);

}  // namespace

Downstream::Downstream(Core& core, Entrance& entrance, base::Epoch since) noexcept
    : core_(core), entrance_(entrance), stream_(*this), deadline_(*this), since_(since) {
  ++entrance_.clients;
}

Downstream::~Downstream() {
  shut();
}

base::Expected<std::unique_ptr<Downstream>> Downstream::open(Core& core, Entrance& entrance,
                                                             loop::Accepted connection, base::Epoch since) {
  std::unique_ptr<Downstream> client(new Downstream(core, entrance, since));
  loop::Stream& stream = client->stream_;
  auto adopted = stream.adopt(core.loop(), std::move(connection.socket), connection.peer.family());
  if (!adopted) return std::unexpected(adopted.error());
  if (auto reading = stream.start_reading(); !reading) return std::unexpected(reading.error());
  client->know(connection.peer);
  return client;
}

void Downstream::begin() {
  if (entrance_.config->proxy_protocol) {
    state_ = State::preface;
    core_.crowd().idle(*this, core_.loop().now());
    core_.deadlines().start(deadline_, kPrefaceTimeout);
  } else {
    serve();
  }
}

void Downstream::know(const base::Address& client) {
  address_ = client.is_unix() ? std::string() : client.host_text();
  trusted_ = any_contains(entrance_.config->trusted_proxies, client);
  seat_.belong_to(client_key(client));
}

// The first bytes of a connection whose client is named by a load balancer.
void Downstream::read_preface(std::string_view fresh) {
  buffer_.append(fresh);
  ProxyHeader header = parse_proxy_header(buffer_.data());
  switch (header.state) {
    case ProxyHeader::State::incomplete: return;
    case ProxyHeader::State::malformed: refuse_preface(); return;
    case ProxyHeader::State::complete: break;
  }
  if (header.client) know(*header.client);
  buffer_.consume(header.size);
  serve();
}

// Begins with what is behind the preface.
void Downstream::serve() {
  state_ = State::idle;
  if (!take_seat()) {
    turn_away(Reply::too_many_connections);
    return;
  }
  if (entrance_.routes != nullptr && entrance_.routes->tcp) {
    state_ = State::beginning;
    exchange_ = core_.new_exchange();
    exchange_->begin_raw(*this);
    if (state_ == State::beginning) state_ = State::exchanging;
    if (state_ == State::closed) return;
    if (state_ == State::exchanging && !buffer_.empty()) {
      std::string early(buffer_.data());
      buffer_.release();
      (void)exchange_->take_body(early);  // it takes all, or has ended
    }
    update_reading();
    return;
  }
  advance({});
}

void Downstream::on_bytes(std::string_view bytes) {
  switch (state_) {
    case State::preface: read_preface(bytes); return;
    case State::tunnelling: tunnel_->take(bytes); return;
    case State::deaf: return;
    case State::idle:
    case State::reading_head: advance(bytes); return;
    case State::beginning:
    case State::exchanging:
      bytes.remove_prefix(exchange_->take_body(bytes));
      // The exchange may have ended; what is left may be the next request, or irrelevant by now.
      advance(bytes);
      return;
    case State::lingering: discard(bytes.size()); return;
    case State::closed: return;
  }
}

void Downstream::on_readable() {
  exchange_->client_readable();
}

// Serves what has come: `fresh` behind what is in the buffer. Copies only what must stay.
void Downstream::advance(std::string_view fresh) {
  bool buffered = !buffer_.empty();
  if (buffered) {
    buffer_.append(fresh);
    fresh = {};
  }
  while (state_ == State::idle || state_ == State::reading_head) {
    std::string_view input = buffered ? buffer_.data() : fresh;
    if (input.empty()) break;
    std::size_t used = read_head(input);
    if (used == 0 || state_ == State::closed || state_ == State::lingering) break;
    if (buffered) {
      buffer_.consume(used);
    } else {
      fresh.remove_prefix(used);
    }
  }
  if (state_ == State::closed || state_ == State::lingering) return;
  if (!fresh.empty()) buffer_.append(fresh);
  settle();
}

// How much of `input` a request took; 0 when its head is not complete, or not accepted.
std::size_t Downstream::read_head(std::string_view input) {
  core_.crowd().busy(seat_);
  core_.expect_exchange();
  http::RequestHead& head = core_.request_head();
  const auto look = state_ == State::idle ? http::Look::first : http::Look::again;
  http::HeadResult result = core_.heads().read_request(input, entrance_.limits, head, look);
  switch (result.state) {
    case http::HeadState::incomplete:
      if (state_ == State::idle) core_.deadlines().start(deadline_, entrance_.config->head_timeout);
      state_ = State::reading_head;
      return 0;
    case http::HeadState::refused: refuse(result.refusal, input); return 0;
    case http::HeadState::complete: break;
  }
  if (head.https && !trusted_) {
    refuse(Reply::https_target, input);
    return 0;
  }
  served_ = true;
  state_ = State::beginning;
  exchange_ = core_.new_exchange();
  std::size_t used = result.size + exchange_->begin(*this, head, input.substr(result.size));
  if (state_ == State::beginning) state_ = State::exchanging;
  return used;
}

// Nothing more can be done with what has come.
void Downstream::settle() {
  bool between = state_ == State::idle || state_ == State::reading_head;
  if (between && ended_) {
    close();
    return;
  }
  if (state_ == State::idle) {
    buffer_.release();
    base::Duration idle = entrance_.config->idle_timeout;
    if (core_.crowded()) idle = std::min(idle, kBusyIdleTimeout);
    core_.deadlines().start(deadline_, served_ ? idle : entrance_.config->head_timeout);
    core_.crowd().idle(*this, core_.loop().now());
  }
  update_reading();
}

void Downstream::update_reading() {
  if (ended_ || !stream_.open()) return;
  // Part of a head is bounded by the head's own limits.
  bool ahead = state_ != State::lingering && state_ != State::reading_head;
  bool wanted = !ahead || buffer_.size() < entrance_.config->read_ahead;
  if (exchange_ && wanted) wanted = exchange_->wants_bytes();
  if (tunnel_ && wanted) wanted = tunnel_->wants_bytes();
  if (wanted == stream_.reading()) return;
  if (!wanted) {
    stream_.stop_reading();
  } else if (!stream_.start_reading()) {
    // Only a connection that is already closing cannot be read; its next write will show that.
    ended_ = true;
  }
}

void Downstream::become_tunnel(Tunnel::Parts parts, std::string_view from_client, std::string_view from_app) {
  core_.recycle(std::move(exchange_));
  tunnel_ = std::make_unique<Tunnel>(core_, *this, std::move(parts));
  state_ = State::tunnelling;
  std::string early(from_client);
  early.append(buffer_.data());
  buffer_.release();
  update_reading();  // it may have waited unread
  tunnel_->start(early, from_app);
}

bool Downstream::go_deaf() {
  if (state_ != State::exchanging) return false;
  written_ -= queued();  // that is never sent
  state_ = State::deaf;
  ended_ = true;
  stream_.close();
  return true;
}

void Downstream::tunnel_ended(Ending ending) {
  core_.loop().retire(std::move(tunnel_));
  end(ending);
}

void Downstream::exchange_ended(Ending ending) {
  core_.recycle(std::move(exchange_));
  end(state_ == State::deaf ? Ending::gone : ending);
}

void Downstream::end(Ending ending) {
  bool beginning = state_ == State::beginning;
  switch (ending) {
    case Ending::next:
      state_ = State::idle;
      // Inside begin(), advance() goes on by itself.
      if (!beginning) advance({});
      return;
    case Ending::close:
      if (buffer_.empty()) {
        close();
      } else {
        linger();
      }
      return;
    case Ending::linger: linger(); return;
    case Ending::cut:
      stream_.reset();
      close();
      return;
    case Ending::gone: close(); return;
  }
}

void Downstream::on_end() {
  ended_ = true;
  switch (state_) {
    case State::preface:
    case State::idle:
    case State::reading_head: close(); return;
    case State::beginning:
    case State::exchanging: exchange_->client_ended(); return;
    case State::tunnelling: tunnel_->client_ended(); return;
    case State::deaf: return;
    case State::lingering:
      if (queued() == 0) close();
      return;
    case State::closed: return;
  }
}

void Downstream::on_broken(int /*code*/) {
  if (exchange_) {
    exchange_->client_gone();
  } else if (tunnel_) {
    tunnel_->client_gone();
  } else {
    close();
  }
}

void Downstream::on_drained() {
  if (exchange_) {
    exchange_->client_drained();
  } else if (tunnel_) {
    tunnel_->client_drained();
  } else if (state_ == State::lingering && ended_) {
    close();
  }
}

void Downstream::on_deadline() {
  switch (state_) {
    case State::reading_head: turn_away(Reply::head_timeout); return;
    case State::beginning:
    case State::exchanging:
    case State::deaf: exchange_->deadline_passed(); return;
    case State::tunnelling: tunnel_->deadline_passed(); return;
    case State::preface: refuse_preface(); return;
    case State::idle:
    case State::lingering: close(); return;
    case State::closed: return;
  }
}

loop::WriteResult Downstream::write(std::span<const std::string_view> pieces) {
  if (!stream_.open()) return loop::WriteResult::done;
  for (std::string_view piece : pieces) written_ += piece.size();
  return stream_.write(pieces);
}

loop::WriteResult Downstream::push(loop::Pipe& pipe) {
  const std::size_t before = pipe.size();
  const loop::WriteResult result = stream_.push(pipe);
  written_ += before - pipe.size();
  return result;
}

}  // namespace gracevisor::proxy
