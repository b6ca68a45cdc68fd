#include "proxy/http1.h"

#include <string>
#include <utility>

#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {

Http1::Http1(Downstream& connection) noexcept : connection_(connection) {}

// It is the user from now on.
Exchange& Http1::begin_exchange() {
  state_ = State::beginning;
  auto taken = connection_.core().exchanges().take();
  Exchange& exchange = *taken;
  user_ = std::move(taken);
  return exchange;
}

void Http1::release_user() noexcept {
  Core& core = connection_.core();
  if (state_ == State::tunnelling) {
    core.kit().loop.retire(std::move(user_));
  } else {
    core.exchanges().put(std::unique_ptr<Exchange>(static_cast<Exchange*>(user_.release())));
  }
}

void Http1::on_deadline() {
  connection_.deadline_passed();
}

void Http1::begin() {
  const routing::ListenerRoutes* routes = listener();
  if (routes != nullptr && routes->tcp && !connection_.moves()) {
    begin_raw();
  } else {
    advance({});
  }
}

void Http1::serve_here() {
  state_ = State::idle;  // a head that has begun is read anew
  deadline().cancel();
  begin();
}

bool Http1::asks() const noexcept {
  const routing::ListenerRoutes* routes = listener();
  return !connection_.input().empty() || (routes != nullptr && routes->tcp);
}

void Http1::begin_raw() {
  keep_alive_ = expects_more_ = false;
  begin_exchange().begin_raw(*this);
  if (state_ == State::beginning) state_ = State::exchanging;
  if (!connection_.serving()) return;
  base::ByteBuffer& input = connection_.input();
  if (state_ == State::exchanging && !input.empty()) {
    std::string early(input.data());
    input.release();
    (void)user_->take(early);  // it takes all, or has ended
  }
  connection_.update_reading();
}

void Http1::take(std::string_view bytes) {
  if (user_) bytes.remove_prefix(user_->take(bytes));
  // It may have ended; what is left may be the next request, or irrelevant by now.
  if (state_ != State::tunnelling) advance(bytes);
}

// Serves what has come: `fresh` behind what is in the input. Copies only what must stay.
void Http1::advance(std::string_view fresh) {
  base::ByteBuffer& kept = connection_.input();
  bool buffered = !kept.empty();
  if (buffered) {
    kept.append(fresh);
    fresh = {};
  }
  while (connection_.serving() && between() && !connection_.moves()) {
    std::string_view input = buffered ? kept.data() : fresh;
    if (input.empty()) break;
    std::size_t used = read_head(input);
    if (used == 0 || !connection_.serving()) break;
    if (buffered) {
      kept.consume(used);
    } else {
      fresh.remove_prefix(used);
    }
  }
  if (!connection_.serving()) return;
  if (!fresh.empty()) kept.append(fresh);
  settle();
}

// How much of `input` a request took; 0 when its head is not complete, or not accepted.
std::size_t Http1::read_head(std::string_view input) {
  Core& core = connection_.core();
  Kit& kit = core.kit();
  core.crowd().busy(connection_.seat());
  core.exchanges().expect();
  http::RequestHead& head = kit.request_head;
  const auto look = state_ == State::idle ? http::Look::first : http::Look::again;
  http::HeadResult result = kit.heads.read_request(input, connection_.limits(), head, look);
  switch (result.state) {
    case http::HeadState::incomplete:
      if (state_ == State::idle) kit.deadlines.start(deadline(), connection_.config().head_timeout);
      state_ = State::reading_head;
      return 0;
    case http::HeadState::refused: connection_.refuse(result.refusal, input); return 0;
    case http::HeadState::complete: break;
  }
  if (head.https && !facts().trusted) {
    connection_.refuse(Reply::https_target, input);
    return 0;
  }
  served_ = true;
  keep_alive_ = expects_more_ = head.keep_alive;
  minor_ = static_cast<std::uint8_t>(head.minor);
  framing_ = http::Framing::Kind::none;
  std::size_t used = result.size + begin_exchange().begin(*this, head, input.substr(result.size));
  if (state_ == State::beginning) state_ = State::exchanging;
  return used;
}

// Nothing more can be done with what has come.
void Http1::settle() {
  const bool moves = between() && connection_.moves();
  if (between() && ended() && !(moves && asks())) {
    connection_.close();
    return;
  }
  if (moves) {
    connection_.await_successor();
  } else if (state_ == State::idle) {
    connection_.rest(served_);
  }
  connection_.update_reading();
}

// Part of a head is bounded by the head's own limits.
bool Http1::wants_bytes() noexcept {
  if (state_ != State::reading_head && connection_.input().size() >= connection_.config().read_ahead) {
    return false;
  }
  return !user_ || user_->wants_bytes();
}

void Http1::client_ended() {
  if (deaf()) return;
  if (user_) {
    user_->client_ended();
  } else if (!connection_.moves() || !asks()) {
    connection_.close();
  }
}

void Http1::client_gone() {
  if (user_) {
    user_->client_gone();
  } else {
    connection_.close();
  }
}

void Http1::client_drained() {
  if (user_) {
    user_->client_drained();
  } else if (connection_.moves()) {
    connection_.await_successor();
  }
}

void Http1::deadline_passed() {
  if (user_) {
    user_->deadline_passed();
  } else if (state_ == State::reading_head) {
    connection_.turn_away(Reply::head_timeout);
  } else {
    connection_.close();
  }
}

void Http1::leave_listener() {
  if (deaf()) return;
  if (user_) {
    user_->leave_listener();
  } else {
    connection_.close();
  }
}

bool Http1::abandon() noexcept {
  if (!user_) return false;
  user_->abandon();
  release_user();
  return state_ != State::tunnelling;
}

}  // namespace gracevisor::proxy
