#include "connection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "http/forward.h"

namespace gracevisor::demo {
namespace {
constexpr std::size_t kInputHighWater = 65536;
constexpr std::size_t kPiece = 65536;
constexpr base::Millis kLinger{2000};
}  // namespace

Connection::Connection(loop::Loop& loop, Host& host) : host_(host), timer_(loop, [this] { on_due(); }) {}

base::Expected<std::unique_ptr<Connection>> Connection::open(loop::Loop& loop, loop::Accepted accepted,
                                                             Host& host) {
  std::unique_ptr<Connection> connection(new Connection(loop, host));
  loop::Stream& stream = connection->stream_;
  auto adopted = stream.adopt(loop, std::move(accepted.socket), accepted.peer.family());
  if (!adopted) return std::unexpected(adopted.error());
  if (auto reading = stream.start_reading(); !reading) return std::unexpected(reading.error());
  return connection;
}

void Connection::stop() {
  keep_ = false;
  if (state_ == State::head && input_.empty()) finish();
}

void Connection::on_bytes(std::string_view bytes) {
  if (state_ == State::ending) return;  // discarded until the client is done
  input_.append(bytes);
  advance();
}

void Connection::on_end() {
  peer_ended_ = true;
  keep_ = false;
  // A client that waits for an answer still gets it; a truncated request gets none.
  if (state_ != State::delay && state_ != State::sending) finish();
}

void Connection::on_broken(int /*code*/) {
  finish();
}

void Connection::on_drained() {
  if (state_ == State::ending) {
    stream_.finish_writing();
    return;
  }
  advance();
}

void Connection::on_due() {
  if (state_ == State::ending) {
    finish();
    return;
  }
  if (state_ == State::delay) begin_answer();
  advance();
}

void Connection::advance() {
  bool more = true;
  while (more) {
    switch (state_) {
      case State::head: more = read_head(); break;
      case State::body: more = read_body(); break;
      case State::sending: more = send_more(); break;
      case State::delay:
      case State::ending:
      case State::over: more = false; break;
    }
  }
  if (state_ == State::over || state_ == State::ending || peer_ended_) return;
  if (stream_.queued() > 0 || input_.size() > kInputHighWater) {
    stream_.stop_reading();
  } else if (auto reading = stream_.start_reading(); !reading) {
    finish();
  }
}

bool Connection::read_head() {
  if (input_.empty()) return false;
  http::HeadResult result = reader_.read_request(input_.data(), http::HeadLimits{}, head_);
  if (result.state == http::HeadState::incomplete) return false;
  if (result.state == http::HeadState::refused) {
    refuse(result.refusal);
    return false;
  }
  reply_ = route(head_, input_.data().substr(0, result.size), host_.options());
  if (reply_.body == Reply::Body::crash) ::_exit(1);
  keep_ = head_.keep_alive && !host_.stopping();
  bodiless_ = head_.method == http::Method::head;
  sent_ = 0;
  body_.start(head_.body);
  bool echo = reply_.body == Reply::Body::echo;
  chunked_ = head_.minor >= 1 && (reply_.body == Reply::Body::lines || reply_.chunked ||
                                  (echo && head_.body.kind == http::Framing::Kind::chunked));
  state_ = State::body;
  std::uint64_t length = head_.body.kind == http::Framing::Kind::length ? head_.body.length : 0;
  bool asks_to_go_on = head_.expects_continue && !body_.finished();
  input_.consume(result.size);  // from here on head_'s views dangle
  if (asks_to_go_on && !write("HTTP/1.1 100 Continue\r\n\r\n") && state_ == State::over) return false;
  if (echo) write_head(chunked_ ? "Transfer-Encoding: chunked" : fmt::format("Content-Length: {}", length));
  return state_ != State::over;
}

bool Connection::read_body() {
  bool echo = reply_.body == Reply::Body::echo;
  while (!body_.finished()) {
    if (stream_.queued() > 0 || input_.empty()) return false;
    http::BodyReader::Step step = body_.next(input_.data());
    if (echo && !bodiless_ && !step.payload.empty()) {
      std::string piece = chunked_ ? std::string(http::ChunkLine(step.payload.size()).text()) : std::string();
      piece.append(step.payload);
      if (chunked_) piece.append(http::kChunkEnd);
      (void)write(piece);
      if (state_ == State::over) return false;
    }
    input_.consume(step.consumed);
    if (body_.state() == http::BodyReader::State::malformed ||
        body_.state() == http::BodyReader::State::too_large) {
      if (echo) {
        finish();  // the answer has begun: cutting it is the only honest end
      } else {
        refuse(body_.state() == http::BodyReader::State::too_large ? http::Reason::body_too_large
                                                                   : body_.reason());
      }
      return false;
    }
  }
  if (echo) {
    if (chunked_ && !bodiless_) (void)write(http::kLastChunk);
    if (state_ != State::over) answered();
    return state_ != State::over;
  }
  state_ = State::delay;
  if (reply_.delay > base::Duration::zero()) {
    timer_.start(reply_.delay);
    return false;
  }
  begin_answer();
  return state_ != State::over;
}

void Connection::begin_answer() {
  state_ = State::sending;
  if (reply_.body == Reply::Body::text) {
    // In one write with its head: the app may be killed at any moment, so a text arrives complete or not at
    // all.
    reply_.count = sent_ = reply_.text.size();
    write_head(fmt::format("Content-Length: {}", reply_.count), bodiless_ ? "" : reply_.text);
  } else if (reply_.body == Reply::Body::bytes && !reply_.chunked) {
    write_head(fmt::format("Content-Length: {}", reply_.count));
  } else {
    if (!chunked_) keep_ = false;  // HTTP/1.0: the end of the connection ends the body
    write_head(chunked_ ? "Transfer-Encoding: chunked" : "");
  }
}

bool Connection::send_more() {
  if (stream_.queued() > 0 || timer_.running()) return false;
  if (!bodiless_ && sent_ < reply_.count) return next_piece();
  if (chunked_ && !bodiless_) (void)write(http::kLastChunk);
  if (state_ != State::over) answered();
  return state_ != State::over;
}

bool Connection::next_piece() {
  switch (reply_.body) {
    case Reply::Body::bytes: {
      std::string filling(std::min<std::uint64_t>(kPiece, reply_.count - sent_), 'x');
      sent_ += filling.size();
      if (chunked_) {
        filling = fmt::format("{}{}{}", http::ChunkLine(filling.size()).text(), filling, http::kChunkEnd);
      }
      return write(filling);
    }
    case Reply::Body::lines: {
      ++sent_;
      std::string line = fmt::format("line {}\n", sent_);
      if (chunked_) line = fmt::format("{}{}{}", http::ChunkLine(line.size()).text(), line, http::kChunkEnd);
      if (sent_ < reply_.count && reply_.pause > base::Duration::zero()) timer_.start(reply_.pause);
      return write(line) && !timer_.running();
    }
    case Reply::Body::text:
    case Reply::Body::echo:
    case Reply::Body::crash: break;  // never sent from here
  }
  return false;
}

void Connection::refuse(const http::Refusal& refusal) {
  keep_ = false;
  chunked_ = false;
  reply_ = Reply{};
  reply_.status = refusal.status;
  std::string text = fmt::format("{}\n", refusal.token());
  write_head(fmt::format("Content-Length: {}", text.size()));
  if (state_ == State::over) return;
  (void)write(text);
  if (state_ != State::over) end();
}

void Connection::answered() {
  if (keep_ && !host_.stopping()) {
    state_ = State::head;
  } else {
    end();
  }
}

void Connection::end() {
  state_ = State::ending;
  if (peer_ended_ && stream_.queued() == 0) {
    finish();
    return;
  }
  // FIN, then further input is read and discarded for a while: closing with unread bytes would reset the
  // connection and could lose the answer.
  if (stream_.queued() == 0) stream_.finish_writing();
  timer_.start(kLinger);
}

void Connection::finish() {
  if (state_ == State::over) return;
  state_ = State::over;
  timer_.stop();
  stream_.close();
  host_.over(*this);
}

bool Connection::write(std::string_view bytes) {
  switch (stream_.write(bytes)) {
    case loop::WriteResult::done: return true;
    case loop::WriteResult::queued: return false;
    case loop::WriteResult::broken: finish(); return false;
  }
  return false;
}

void Connection::write_head(std::string_view framing, std::string_view content) {
  (void)write(fmt::format("HTTP/1.1 {} {}\r\nServer: gvdemo\r\nContent-Type: text/plain\r\n{}{}{}\r\n{}",
                          reply_.status, http::reason_phrase(reply_.status), framing,
                          framing.empty() ? "" : "\r\n", keep_ ? "" : "Connection: close\r\n", content));
}

}  // namespace gracevisor::demo
