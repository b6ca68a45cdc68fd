// HTTP/1.1 as the stream of the one request that a connection serves: what is sent, and how that ends.
#include <cassert>
#include <string>
#include <utility>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"
#include "proxy/http1.h"

namespace gracevisor::proxy {

ClientStream::Facts Http1::facts() const noexcept {
  return connection_.facts();
}

const routing::ListenerRoutes* Http1::listener() const noexcept {
  return connection_.routes();
}

std::size_t Http1::queued() const noexcept {
  return connection_.queued();
}

std::uint64_t Http1::taken() const noexcept {
  return connection_.taken();
}

std::uint64_t Http1::acknowledged() const noexcept {
  return connection_.acknowledged();
}

HeadSent Http1::interim(const http::ResponseHead& head) {
  if (minor_ == 0) return {};
  std::string& out = connection_.core().kit().scratch;
  out.clear();
  http::write_interim_head(head, out);
  return sent_head(connection_.write(out), out.size());
}

HeadSent Http1::ask_for_body() {
  return sent_head(connection_.write(http::kContinueHead), http::kContinueHead.size());
}

HeadSent Http1::sent_head(Sent sent, std::size_t size) const noexcept {
  return {.sent = sent, .bytes = deaf() ? 0 : size};
}

HeadSent Http1::head(const http::ResponseHead& head, const http::FieldEdits& edits, bool request_read,
                     const Content& first) {
  Kit& kit = connection_.core().kit();
  const http::ResponseForward how{.client_minor = minor_,
                                  .client_keep_alive = keep_alive_ && request_read && !connection_.leaving(),
                                  .date = kit.date(),
                                  .edits = edits};
  const http::ResponsePlan plan = http::plan_response(head, how);
  keep_alive_ = plan.keep_alive;
  framing_ = plan.framing.kind;
  std::string& out = kit.scratch;
  out.clear();
  http::write_response_head(head, plan, how, out);
  return sent_head(write(out, first), out.size());
}

Sent Http1::content(const Content& content) {
  return write({}, content);
}

Sent Http1::write(std::string_view head, const Content& content) {
  const bool chunked = framing_ == http::Framing::Kind::chunked;
  if (head.empty() && !chunked) return connection_.write(content.pieces.slices());
  Pieces out;
  if (!head.empty()) out.add(head);
  if (!chunked) {
    add_all(content.pieces, out);
    return connection_.write(out.slices());
  }
  const http::ChunkLine line(content.pieces.bytes());
  add_chunked(content, line, out);
  return connection_.write(out.slices());
}

HeadSent Http1::answer(http::OwnAnswer answer, bool request_read) {
  Kit& kit = connection_.core().kit();
  keep_alive_ = keep_alive_ && request_read && !connection_.leaving();
  answer.keep_alive = keep_alive_;
  answer.date = kit.date();
  std::string& out = kit.scratch;
  out.clear();
  const std::size_t size = http::write_own_answer(answer, out);
  connection_.count_own_answer();
  return sent_head(connection_.write(out), size);
}

Sent Http1::raw(std::string_view bytes) {
  return connection_.write(bytes);
}

void Http1::finish() {
  connection_.stream().finish_writing();
}

loop::Stream* Http1::source() noexcept {
  return &connection_.stream();
}

bool Http1::takes_pipe() const noexcept {
  return framing_ != http::Framing::Kind::chunked;
}

Sent Http1::push(loop::Pipe& pipe) {
  assert(takes_pipe());
  return connection_.push(pipe);
}

void Http1::reading_changed() {
  connection_.update_reading();
}

bool Http1::go_deaf() {
  if (state_ != State::exchanging || deaf()) return false;
  deaf_ = ended_ = true;
  connection_.stop();
  return true;
}

void Http1::become_tunnel(TunnelParts parts, std::string_view from_client, std::string_view from_app) {
  release_user();
  state_ = State::tunnelling;
  keep_alive_ = expects_more_ = false;
  std::string early(from_client);
  early.append(connection_.input().data());
  connection_.input().release();
  auto tunnel = std::make_unique<Tunnel>(connection_.core().kit(), *this, std::move(parts));
  Tunnel& begun = *tunnel;
  user_ = std::move(tunnel);
  connection_.update_reading();  // it may have waited unread
  begun.start(early, from_app);
}

void Http1::over(Over how, bool request_read) {
  release_user();
  const bool beginning = state_ == State::beginning;
  switch (deaf() ? Over::gone : how) {
    case Over::complete:
      if (keep_alive_) {
        state_ = State::idle;
        // Inside begin(), advance() goes on by itself.
        if (!beginning) advance({});
      } else if (request_read && !expects_more_ && connection_.input().empty()) {
        connection_.close();
      } else {
        connection_.linger();
      }
      return;
    case Over::cut: connection_.cut(); return;
    case Over::gone:
      // It may still read: a response delimited by the connection's end must not look complete.
      if (framing_ == http::Framing::Kind::until_close && ended() && !deaf()) {
        connection_.cut();
      } else {
        connection_.close();
      }
      return;
  }
}

}  // namespace gracevisor::proxy
