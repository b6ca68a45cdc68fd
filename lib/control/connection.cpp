#include "control/connection.h"

#include <fmt/format.h>

#include <array>

#include "control/target.h"
#include "http/forward.h"

namespace gracevisor::control {
namespace {

constexpr http::HeadLimits kHeadLimits;
constexpr std::size_t kMaxBody = 1U << 20;
constexpr std::size_t kMaxQueued = 1U << 20;   // of a stream, for a slow reader
constexpr std::size_t kMaxAtOnce = 64U << 20;  // of a stream, sent at once in answer to the request
constexpr base::Millis kReadDeadline{10000};
constexpr base::Millis kLingerDeadline{10000};

}  // namespace

Connection::Connection(Owner& owner, loop::Deadlines& deadlines, http::HeadReader& heads, const Peer& peer)
    : owner_(owner), deadlines_(deadlines), heads_(heads) {
  request_.peer = peer;
}

Connection::~Connection() {
  if (auto reply = reply_.lock()) reply->detach();
}

base::Expected<void> Connection::start(loop::Loop& loop, base::UniqueFd socket) {
  if (auto adopted = stream_.adopt(loop, std::move(socket), AF_UNIX); !adopted) return adopted;
  loop_ = &loop;
  await_client(kReadDeadline);
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
  if (auto reply = reply_.lock()) reply->notify_gone();
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
  most_queued_ = kMaxQueued;
}

void Connection::on_deadline() {
  if ((state_ == State::reading_head && !input_.empty()) || state_ == State::reading_body) {
    refuse(408, Error{"the request did not arrive in time", ExitCode::failed, {}});
  } else {
    close();
  }
}

void Connection::read_head() {
  http::RequestHead head;
  auto result = heads_.read_request(input_.data(), kHeadLimits, head);
  switch (result.state) {
    case http::HeadState::incomplete: return;
    case http::HeadState::refused:
      refuse(result.refusal.status,
             Error{"the request is malformed: " + std::string(result.refusal.token()), ExitCode::usage, {}});
      return;
    case http::HeadState::complete: break;
  }
  if (!accept_head(head)) return;
  body_.start(head.body, kMaxBody);
  input_.consume(result.size);
  state_ = State::reading_body;
}

bool Connection::accept_head(const http::RequestHead& head) {
  chunked_ = head.minor >= 1;
  keep_alive_ = head.keep_alive;
  request_.method = head.method;
  if (request_.peer.role == Role::none) {
    refuse(403, Error{fmt::format("user {} may not use the control socket", request_.peer.uid),
                      ExitCode::not_permitted,
                      {}});
    return false;
  }
  if (head.method != http::Method::get && head.method != http::Method::post) {
    refuse(405, Error{"the control API knows GET and POST", ExitCode::usage, {}});
    return false;
  }
  auto target = parse_target(head.target);
  if (!target) {
    refuse(400, Error{"the request's target is malformed", ExitCode::usage, {}});
    return false;
  }
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  request_.body.clear();
  bool too_large = head.body.kind == http::Framing::Kind::length && head.body.length > kMaxBody;
  if (head.expects_continue && !too_large) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    write({&kContinue, 1});
  }
  return state_ != State::gone;
}

void Connection::read_body() {
  while (body_.state() == http::BodyReader::State::reading && !input_.empty()) {
    auto step = body_.next(input_.data());
    request_.body.append(step.payload);
    input_.consume(step.consumed);
    if (step.consumed == 0) break;
  }
  switch (body_.state()) {
    case http::BodyReader::State::reading: return;
    case http::BodyReader::State::finished: dispatch(); return;
    case http::BodyReader::State::malformed:
      refuse(400, Error{"the request's body is malformed", ExitCode::usage, {}});
      return;
    case http::BodyReader::State::too_large:
      refuse(413, Error{"the request's body is longer than 1 MiB", ExitCode::usage, {}});
      return;
  }
}

void Connection::dispatch() {
  if (!input_.empty()) keep_alive_ = false;  // no pipelining
  input_.release();
  deadline_.cancel();
  state_ = State::answering;
  streaming_ = follows_ = false;
  auto reply = std::make_shared<Reply>(static_cast<ReplySink&>(*this));
  reply_ = reply;
  // What a handler sends at once (a log's history) is bounded by what the daemon holds, and no reader could
  // have been fast enough; what it sends later has to be read as fast as it comes.
  most_queued_ = kMaxAtOnce;
  owner_.on_request(request_, std::move(reply));
  if (state_ == State::answering) most_queued_ = stream_.queued() + kMaxQueued;
}

// --- output ---

void Connection::answer(int status, std::string_view body) {
  write_head(status, "application/json", fmt::format("Content-Length: {}\r\n", body.size() + 1));
  write(std::array{body, std::string_view("\n")});
  end_answer();
}

void Connection::begin() {
  streaming_ = true;
  if (!chunked_) keep_alive_ = false;
  write_head(200, "application/x-ndjson", chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
}

void Connection::add_line(std::string_view json) {
  if (state_ == State::gone) return;
  if (stream_.queued() + json.size() > most_queued_) return close();
  if (!chunked_) return write(std::array{json, std::string_view("\n")});
  http::ChunkLine size(json.size() + 1);
  write(std::array{size.text(), json, std::string_view("\n"), http::kChunkEnd});
}

void Connection::finish() {
  if (chunked_) write({&http::kLastChunk, 1});
  end_answer();
}

void Connection::abandon() {
  if (state_ != State::answering) return;
  if (streaming_) return close();
  answer(500, to_json(Error{"the daemon has no answer", ExitCode::failed, {}}));
}

bool Connection::follow() {
  follows_ = owner_.on_follow(*this);
  return follows_;
}

void Connection::refuse(int status, const Error& error) {
  keep_alive_ = false;
  std::string body = to_json(error) + "\n";
  write_head(status, "application/json", fmt::format("Content-Length: {}\r\n", body.size()));
  std::string_view content = body;
  if (request_.method != http::Method::head) write({&content, 1});
  if (state_ != State::gone) linger();
}

void Connection::write_head(int status, std::string_view type, std::string_view framing) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{}{}\r\n", status, http::reason_phrase(status), type,
                  framing, keep_alive_ ? "" : "Connection: close\r\n");
  std::string_view text = head;
  write({&text, 1});
}

void Connection::write(std::span<const std::string_view> pieces) {
  if (state_ == State::gone) return;
  if (stream_.write(pieces) == loop::WriteResult::broken) close();
}

void Connection::end_answer() {
  // Without this the end of this Reply would be taken for that of the next answer.
  if (auto reply = reply_.lock()) reply->detach();
  reply_.reset();
  follows_ = false;
  if (state_ == State::gone) return;
  if (!keep_alive_) return linger();
  state_ = State::reading_head;
  await_client(kReadDeadline);
}

void Connection::linger() {
  state_ = State::lingering;
  stream_.finish_writing();
  await_client(kLingerDeadline);
}

void Connection::close() {
  if (state_ == State::gone) return;
  state_ = State::gone;
  deadline_.cancel();
  stream_.close();
  if (auto reply = reply_.lock()) reply->detach();
  owner_.on_closed(*this);
}

}  // namespace gracevisor::control
