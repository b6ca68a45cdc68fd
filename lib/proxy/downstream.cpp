#include "proxy/downstream.h"

#include <algorithm>
#include <utility>

#include "proxy/core.h"
#include "proxy/proxy_protocol.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kPrefaceTimeout = std::chrono::seconds(5);
constexpr base::Duration kBusyIdleTimeout = std::chrono::seconds(5);

}  // namespace

Downstream::Downstream(Entrance& entrance, base::Epoch since) noexcept
    : entrance_(entrance), stream_(*this), http1_(*this), since_(since) {
  ++entrance_.clients;
}

Downstream::~Downstream() {
  shut();
}

base::Expected<std::unique_ptr<Downstream>> Downstream::open(Entrance& entrance, Arrival arrival,
                                                             base::Epoch since) {
  std::unique_ptr<Downstream> client(new Downstream(entrance, since));
  loop::Stream& stream = client->stream_;
  auto adopted =
      stream.adopt(entrance.core.kit().loop, std::move(arrival.connection.socket), arrival.family());
  if (!adopted) return std::unexpected(adopted.error());
  if (auto reading = stream.start_reading(); !reading) return std::unexpected(reading.error());
  client->know(arrival.connection.peer);
  if (arrival.handed) {
    client->http1_.continue_after(arrival.handed->served);
    if (!arrival.handed->bytes.empty()) client->input_.append(arrival.handed->bytes);
  }
  return client;
}

void Downstream::begin(bool preface) {
  if (!preface) {
    serve();
    return;
  }
  core().crowd().idle(*this, core().kit().loop.now());
  core().kit().deadlines.start(http1_.deadline(), kPrefaceTimeout);
  if (!input_.empty()) read_preface({});
  if (state_ == State::preface && moves()) await_successor();
}

void Downstream::know(const base::Address& client) {
  address_ = client.is_unix() ? std::string() : client.host_text();
  trusted_ = any_contains(config().trusted_proxies, client);
  seat_.belong_to(client_key(client));
}

// The first bytes of a connection whose client is named by a load balancer.
void Downstream::read_preface(std::string_view fresh) {
  input_.append(fresh);
  ProxyHeader header = parse_proxy_header(input_.data());
  switch (header.state) {
    case ProxyHeader::State::incomplete: return;
    case ProxyHeader::State::malformed: refuse_preface(); return;
    case ProxyHeader::State::complete: break;
  }
  if (header.client) know(*header.client);
  input_.consume(header.size);
  serve();
}

// Begins with what is behind the preface.
void Downstream::serve() {
  state_ = State::serving;
  if (take_seat()) {
    http1_.begin();
  } else {
    turn_away(Reply::too_many_connections);
  }
}

void Downstream::rest(bool served) {
  if (input_.empty()) input_.release();
  base::Duration idle = config().idle_timeout;
  if (core().crowd().scarce() || core().hand_over().broken() || move_ == Move::refused) {
    idle = std::min(idle, kBusyIdleTimeout);
  }
  core().kit().deadlines.start(http1_.deadline(), served ? idle : config().head_timeout);
  core().crowd().idle(*this, core().kit().loop.now());
}

void Downstream::update_reading() {
  if (http1_.ended() || !stream_.open()) return;
  const bool wanted = state_ == State::lingering || http1_.wants_bytes();
  if (wanted == stream_.reading()) return;
  if (!wanted) {
    stream_.stop_reading();
  } else if (!stream_.start_reading()) {
    // Only a connection that is already closing cannot be read; its next write will show that.
    http1_.set_ended();
  }
}

void Downstream::on_bytes(std::string_view bytes) {
  switch (state_) {
    case State::preface: read_preface(bytes); return;
    case State::serving: http1_.take(bytes); return;
    case State::lingering: discard(bytes.size()); return;
    case State::closed: return;
  }
}

void Downstream::on_end() {
  http1_.set_ended();
  switch (state_) {
    case State::preface: close(); return;
    case State::serving: http1_.client_ended(); return;
    case State::lingering:
      if (queued() == 0) close();
      return;
    case State::closed: return;
  }
}

void Downstream::on_broken(int /*code*/) {
  http1_.client_gone();
}

void Downstream::on_drained() {
  if (state_ == State::serving) {
    http1_.client_drained();
  } else if (state_ == State::lingering && http1_.ended()) {
    close();
  }
}

void Downstream::deadline_passed() {
  switch (state_) {
    case State::preface: refuse_preface(); return;
    case State::serving:
      if (move_ == Move::asks) {
        core().hand_over().give_or_keep(*this);
      } else {
        http1_.deadline_passed();
      }
      return;
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
