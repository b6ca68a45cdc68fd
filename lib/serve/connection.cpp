#include "serve/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "http/forward.h"

namespace gracevisor::serve {
namespace {

std::string head_text(int status, std::string_view type, std::string_view framing, bool keep_alive) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{}{}\r\n", status, http::reason_phrase(status),
                     type, framing, keep_alive ? "" : "Connection: close\r\n");
}

std::string length_field(const Content& content) {
  return fmt::format("Content-Length: {}\r\n", content.body.size());
}

}  // namespace

Connection::Connection(ConnectionObserver& observer, loop::Deadlines& deadlines, http::HeadReader& heads,
                       const Limits& limits)
    : observer_(observer), deadlines_(deadlines), heads_(heads), limits_(limits) {}

Connection::~Connection() {
  if (auto response = response_.lock()) response->detach();
}

base::Expected<void> Connection::start(loop::Loop& loop, base::UniqueFd socket, int family) {
  if (auto adopted = stream_.adopt(loop, std::move(socket), family); !adopted) return adopted;
  loop_ = &loop;
  await_client(limits_.request);
  return stream_.start_reading();
}

void Connection::await_client(base::Millis deadline) {
  waits_since_ = loop_->now();
  deadlines_.start(deadline_, deadline);
}

std::optional<base::TimePoint> Connection::waits_since() const noexcept {
  switch (state_) {
    case State::reading_head:
    case State::reading_body:
    case State::lingering: return waits_since_;
    case State::answering:
    case State::gone: return std::nullopt;
  }
  return std::nullopt;
}

void Connection::notify_gone() {
  if (auto response = response_.lock()) response->notify_gone();
}

// --- input ---

void Connection::on_bytes(std::string_view bytes) {
  switch (state_) {
    case State::reading_head:
    case State::reading_body: break;
    case State::answering: keep_alive_ = false; return;
    case State::lingering:
    case State::gone: return;
  }
  input_.append(bytes);
  if (state_ == State::reading_head) read_head();
  if (state_ == State::reading_body) read_body();
}

void Connection::on_end() {
  // An answer may still be on its way to a client that has nothing more to ask.
  bool answered = state_ == State::reading_head && input_.empty() && stream_.queued() > 0;
  if (answered) {
    linger();
  } else {
    close();
  }
}

void Connection::on_broken(int /*code*/) {
  close();
}

void Connection::on_drained() {
  most_queued_ = limits_.queued;
  if (auto response = response_.lock()) response->notify_drained();
}

void Connection::on_deadline() {
  if ((state_ == State::reading_head && !input_.empty()) || state_ == State::reading_body) {
    refuse(Fault::Kind::late, 408);
  } else {
    close();
  }
}

void Connection::read_head() {
  http::RequestHead head;
  auto result = heads_.read_request(input_.data(), limits_.head, head);
  switch (result.state) {
    case http::HeadState::incomplete: return;
    case http::HeadState::refused:
      refuse(Fault::Kind::bad_head, result.refusal.status, result.refusal.token());
      return;
    case http::HeadState::complete: break;
  }
  if (!accept_head(head)) return;
  body_.start(head.body, limits_.body);
  input_.consume(result.size);
  state_ = State::reading_body;
}

bool Connection::accept_head(const http::RequestHead& head) {
  chunked_ = head.minor >= 1;
  keep_alive_ = head.keep_alive;
  head_only_ = head.method == http::Method::head;
  content_.clear();
  if (auto refusal = observer_.on_head(head)) {
    refuse(*refusal);
    return false;
  }
  bool too_large = head.body.kind == http::Framing::Kind::length && head.body.length > limits_.body;
  if (head.expects_continue && !too_large) write(http::kContinueHead);
  return state_ != State::gone;
}

void Connection::read_body() {
  while (body_.state() == http::BodyReader::State::reading && !input_.empty()) {
    auto step = body_.next(input_.data());
    content_.append(step.payload);
    input_.consume(step.consumed);
    if (step.consumed == 0) break;
  }
  switch (body_.state()) {
    case http::BodyReader::State::reading: return;
    case http::BodyReader::State::finished: dispatch(); return;
    case http::BodyReader::State::malformed: refuse(Fault::Kind::bad_body, 400); return;
    case http::BodyReader::State::too_large: refuse(Fault::Kind::large_body, 413); return;
  }
}

void Connection::dispatch() {
  if (!input_.empty()) keep_alive_ = false;  // no pipelining
  input_.release();
  deadline_.cancel();
  state_ = State::answering;
  streaming_ = follows_ = false;
  auto response = std::make_shared<Response>(static_cast<ResponseSink&>(*this));
  response_ = response;
  // What a handler sends at once (a log's history) is bounded by what the daemon holds, and no reader could
  // have been fast enough; what it sends later has to be read as fast as it comes.
  most_queued_ = limits_.at_once;
  observer_.on_request(std::exchange(content_, {}), std::move(response));
  if (state_ == State::answering) most_queued_ = stream_.queued() + limits_.queued;
}

// --- output ---

void Connection::answer(const Content& content) {
  write_content(content);
  end_answer();
}

void Connection::begin(int status, std::string_view type) {
  streaming_ = true;
  if (!chunked_) keep_alive_ = false;
  write(head_text(status, type, chunked_ ? "Transfer-Encoding: chunked\r\n" : "", keep_alive_));
}

void Connection::add(std::string_view piece) {
  // An empty chunk would end the stream.
  if (state_ == State::gone || head_only_ || piece.empty()) return;
  if (stream_.queued() + piece.size() > most_queued_) return close();
  if (!chunked_) return write(piece);
  http::ChunkLine size(piece.size());
  write(std::array{size.text(), piece, http::kChunkEnd});
}

void Connection::finish() {
  if (chunked_ && !head_only_) write(http::kLastChunk);
  end_answer();
}

void Connection::abandon() {
  if (state_ != State::answering) return;
  if (streaming_) return close();
  answer(observer_.explain({Fault::Kind::unanswered, 500, {}}));
}

bool Connection::follow() {
  follows_ = observer_.on_follow();
  return follows_;
}

void Connection::refuse(Fault::Kind kind, int status, std::string_view token) {
  refuse(observer_.explain({kind, status, token}));
}

void Connection::refuse(const Content& content) {
  keep_alive_ = false;
  write_content(content);
  if (state_ != State::gone) linger();
}

void Connection::write_content(const Content& content) {
  write(head_text(content.status, content.type, length_field(content), keep_alive_));
  if (!head_only_) write(content.body);
}

void Connection::write(std::span<const std::string_view> pieces) {
  if (state_ == State::gone) return;
  if (stream_.write(pieces) == loop::WriteResult::broken) close();
}

void Connection::end_answer() {
  // Without this the end of this Response would be taken for that of the next answer.
  if (auto response = response_.lock()) response->detach();
  response_.reset();
  follows_ = false;
  head_only_ = false;
  if (state_ == State::gone) return;
  if (!keep_alive_) return linger();
  state_ = State::reading_head;
  await_client(limits_.request);
}

void Connection::linger() {
  state_ = State::lingering;
  stream_.finish_writing();
  await_client(limits_.linger);
}

void Connection::close() {
  if (state_ == State::gone) return;
  state_ = State::gone;
  deadline_.cancel();
  stream_.close();
  if (auto response = response_.lock()) response->detach();
  observer_.on_closed();
}

void turn_away(const base::UniqueFd& socket, const Content& content) {
  const std::string answer =
      head_text(content.status, content.type, length_field(content), false) + content.body;
  // Whether or not it arrives, the connection closes.
  (void)::send(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace gracevisor::serve
