// An exchange's request body: gathered before an instance is chosen, passed on, and checked for its pace.
#include <chrono>
#include <utility>

#include "http/forward.h"
#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {

// A body may begin slowly, but not trickle for ever; least of all while an instance waits for it.
constexpr base::Duration kSlowBody = std::chrono::seconds(30);
constexpr base::Duration kSlowLeased = std::chrono::seconds(5);

}  // namespace

std::size_t Exchange::take(std::string_view bytes) {
  if (!body_.reading()) return 0;
  upload_.awaits_continue = false;
  if (!fast_enough(bytes.size())) {
    client_too_slow();
    return bytes.size();
  }
  const std::size_t taken = read_body(bytes);
  if (!body_.reading() && !body_.finished()) {
    refuse_body();
  } else if (request_ == Request::gather) {
    gather_more();
  } else if (body_.reading()) {
    // Content that the instance no longer reads does not extend the time for its answer.
    if (request_ != Request::dropped || !nothing_answered()) arm();
    open_request_conduit();
  } else if (request_ == Request::relay) {
    request_ = Request::sent;
    arm();
  }
  return taken;
}

// How many of the bytes are the body's.
std::size_t Exchange::read_body(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && body_.reading()) {
    Pieces pieces;
    taken += body_.next(bytes.substr(taken), pieces);
    forward(pieces);
  }
  return taken;
}

// To the instance, or into what is held for it.
void Exchange::forward(const Pieces& pieces) {
  if (!raw_) note_.body(body_);  // a tunnel counts what it is given
  bool connected = request_ == Request::relay;
  if (request_ == Request::dropped) {
    held_whole_ = false;
    return;
  }
  if (!connected || (held_whole_ && response_ == Response::waiting)) {
    for (std::string_view piece : pieces.slices()) held_.append(piece);
  } else {
    held_whole_ = false;
  }
  if (!connected) return;
  if (held_.size() > kHeldBody) forget_held();
  attempt_.sent += pieces.bytes();
  switch (upstream_->stream().write(pieces.slices())) {
    case loop::WriteResult::done: return;
    case loop::WriteResult::queued:
      attempt_.backlog = true;
      attempt_.throttled = upstream_->stream().queued() > ClientStream::kHighWater;
      return;
    case loop::WriteResult::broken: stop_sending(); return;
  }
}

void Exchange::forget_held() noexcept {
  held_whole_ = false;
  std::string().swap(held_);
}

bool Exchange::wants_bytes() const noexcept {
  if (!body_pending()) return true;
  switch (request_) {
    case Request::route:
    case Request::gather: return true;
    case Request::hold: return false;
    case Request::connect: return held_.size() <= kHeldBody;
    case Request::relay:
    case Request::sent: return !attempt_.throttled;
    case Request::dropped: return true;
  }
  return true;
}

// On average, once the beginning is over: a client that sends a byte now and then ties up an instance, or
// buffer space, for nothing.
bool Exchange::fast_enough(std::size_t more) noexcept {
  upload_.bytes += more;
  const bool leased = request_ == Request::relay;
  if (options_ == nullptr || raw_ || attempt_.throttled || (!leased && request_ != Request::gather))
    return true;
  base::Duration took = kit_.loop.now() - upload_.since;
  if (took < (leased ? kSlowLeased : kSlowBody)) return true;
  auto seconds = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(took).count());
  return upload_.bytes >= options_->min_body_rate * seconds;
}

void Exchange::client_too_slow() {
  if (nothing_answered()) {
    answer(Reply::body_timeout);
    return;
  }
  cut_client("client_stalled", Reply::body_timeout);
}

// Not the instance's fault: the client's framing is broken, or its body is too large.
void Exchange::refuse_body() {
  client_->last();
  if (response_ == Response::flush) return;  // it is answered already, and the connection will close
  const Reply why = body_.state() == BodyRelay::State::too_large ? Reply::body_too_large : body_.reason();
  if (nothing_answered()) {
    answer(why);
  } else {
    cut_client("bad_body", why);
  }
}

// Is the body read before an instance is chosen? Not if the head alone decides, not if another protocol may
// follow, and not if the client first wants to know whether the app accepts this much.
bool Exchange::may_gather(const http::RequestHead& head, Switchboard::Answer answer) const noexcept {
  if (!body_.reading() || options_ == nullptr || options_->request_buffer == 0) return false;
  if (answer != Switchboard::Answer::live && answer != Switchboard::Answer::hold) return false;
  if (!memo_.upgrade.empty()) return false;
  const bool longer =
      head.body.kind == http::Framing::Kind::length && head.body.length > options_->request_buffer;
  return !longer || !memo_.expects_continue;
}

// Is all of it here, or as much as is read beforehand? For a body that is longer anyway, the limit includes
// the head: then what one read brings is enough.
bool Exchange::gathered() const noexcept {
  if (body_.finished()) return true;
  if (body_.chunked()) return body_.content() >= options_->request_buffer;
  const bool longer = body_.content() + body_.plain_left() > options_->request_buffer;
  return longer && held_.size() >= options_->request_buffer;
}

// Begins to wait for what did not come with the head.
void Exchange::gather() {
  request_ = Request::gather;
  let_body_flow();
  app_->bodies.enter(buffer_, kit_.loop.now());
  if (std::exchange(upload_.awaits_continue, false)) {
    const HeadSent asked = client_->ask_for_body();
    note_.sent_head(asked.bytes);
    if (asked.sent == Sent::broken) {
      client_gone();
      return;
    }
  }
  arm();
  keep_gathered();
}

void Exchange::gather_more() {
  if (gathered()) {
    leave_buffer();
    frame_gathered();
    route_again(nullptr);
    return;
  }
  if (kit_.loop.now() - buffer_.since() >= kSlowStream) note_slow_stream();
  arm();
  keep_gathered();
}

// Makes room if all of the app's waiting requests together keep too much. May end this exchange.
void Exchange::keep_gathered() {
  RequestBuffers& bodies = app_->bodies;
  bodies.keep(buffer_, held_.size(), body_.content());
  const std::uint64_t most = options_->request_buffer_memory;
  const base::TimePoint now = kit_.loop.now();
  while (RequestBuffers::Owner* slowest = bodies.surplus(most, now)) slowest->body_too_slow();
}

void Exchange::body_too_slow() {
  answer(Reply::body_slow);
}

// A client that sends chunks may await an answer before it goes on, and gets one only without the buffer.
void Exchange::note_slow_stream() noexcept {
  if (!body_.chunked() || std::exchange(upload_.slow_stream, true)) return;
  app_->cell->slow_streams.add();
  kit_.bell.ring();
}

void Exchange::leave_buffer() noexcept {
  if (!buffer_.waiting()) return;
  upload_.gathered_for = kit_.loop.now() - buffer_.since();
  app_->bodies.leave(buffer_);
  routing::AppCell& cell = *app_->cell;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(upload_.gathered_for).count();
  if (auto micros = static_cast<std::uint64_t>(took); micros > cell.slowest_body_us.read()) {
    cell.slowest_body_us.set(micros);
  }
}

// The content in `held_` is bare: if it came in chunks, it gets a Content-Length when its length is known and
// nothing in it requires chunks.
void Exchange::frame_gathered() {
  if (!body_.chunked()) return;
  const auto content = static_cast<std::size_t>(body_.content());
  if (body_.finished() && !body_.has_trailers()) {
    http::tell_length(held_, framing_at_, content);
    return;
  }
  if (content > 0) {
    held_.insert(held_.size() - content, http::ChunkLine(content).text());
    held_.append(http::kChunkEnd);
  }
  Pieces end;
  body_.restore_chunks(end);
  for (std::string_view piece : end.slices()) held_.append(piece);
}

}  // namespace gracevisor::proxy
