// Large content of a known length bypasses an exchange by splicing, in either direction. What comes before
// it, and anything unusual (an end, an error, a client that has left), is read as always: a conduit closes as
// soon as pulling finds nothing more, and its pipe is empty then.
#include <algorithm>

#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {

// The rest goes straight into the client's socket: nothing of what came before may wait in its queue.
void Exchange::open_response_conduit() {
  bool worthwhile = response_body_.plain_left() >= Conduit::kWorthwhile && client_->queued() == 0;
  if (worthwhile && !client_->deaf() && client_->takes_pipe() && !response_conduit_.is_open()) {
    response_conduit_.open(upstream_->stream());
  }
}

void Exchange::on_readable() {
  loop::Pipe& pipe = response_conduit_.pipe();
  if (!pipe.empty()) {
    // A broken request caused it to be read, but the client has to take what is here first.
    upstream_->stream().stop_reading();
    return;
  }
  const auto pulled = upstream_->stream().pull(pipe, response_body_.plain_left());
  if (!pulled) {
    response_conduit_.close(upstream_->stream());
    return;
  }
  if (*pulled == 0) return;
  response_body_.pass(*pulled);
  push_response();
}

// What the client does not take now goes on when it has drained; its app is not read until then.
void Exchange::push_response() {
  loop::Pipe& pipe = response_conduit_.pipe();
  if (client_->push(pipe) == Sent::broken) {
    client_gone();
    return;
  }
  if (!pipe.empty()) {
    upstream_->stream().stop_reading();
  } else if (response_body_.finished()) {
    complete_response(true);
    return;
  } else if (!upstream_->stream().start_reading()) {
    cut(Reply::upstream_truncated);
    return;
  }
  arm();
}

void Exchange::open_request_conduit() {
  bool worthwhile = body_.plain_left() >= Conduit::kWorthwhile && request_ == Request::relay &&
                    !held_whole_ && !attempt_.backlog && upstream_->stream().queued() == 0;
  if (!worthwhile || request_conduit_.is_open()) return;
  if (loop::Stream* source = client_->source()) request_conduit_.open(*source);
}

void Exchange::close_request_conduit() noexcept {
  if (request_conduit_.is_open()) request_conduit_.close(*client_->source());
}

void Exchange::client_readable() {
  loop::Pipe& pipe = request_conduit_.pipe();
  const auto pulled = client_->source()->pull(pipe, body_.plain_left());
  if (!pulled) {
    close_request_conduit();
    return;
  }
  if (*pulled == 0) return;
  if (!fast_enough(*pulled)) {
    client_too_slow();
    return;
  }
  body_.pass(*pulled);
  // What the client sends behind it is read.
  if (body_.finished()) client_->source()->leave_unread(false);
  note_.body(body_);
  push_request();
}

void Exchange::push_request() {
  loop::Pipe& pipe = request_conduit_.pipe();
  const std::size_t before = pipe.size();
  const loop::WriteResult result = upstream_->stream().push(pipe);
  attempt_.sent += before - pipe.size();
  switch (result) {
    case loop::WriteResult::broken: stop_sending(); return;
    case loop::WriteResult::queued: attempt_.backlog = attempt_.throttled = true; break;
    case loop::WriteResult::done:
      if (body_.finished()) {
        close_request_conduit();
        request_ = Request::sent;
      }
      break;
  }
  arm();
  client_->reading_changed();
}

}  // namespace gracevisor::proxy
