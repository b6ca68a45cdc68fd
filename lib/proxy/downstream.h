// A client's connection: its socket, its place in the crowd, and how it begins and ends. Http1 (http1.h)
// serves what arrives on it.
//
//   [preface -->] serving --> lingering --> closed
//
// preface: before begin(), and then while the PROXY header is awaited, if the listener requires one.
// lingering: the client may still be reading what was written last. An idle connection owns only the one
// deadline that all states share. Reads stay armed in every state, so that a client that leaves is noticed,
// except under back-pressure: a request's body that cannot be passed on, or `read_ahead` bytes of pipelined
// requests.
// Owners: Core owns it. Thread: the worker's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "loop/deadlines.h"
#include "loop/stream.h"
#include "proxy/crowd.h"
#include "proxy/entrance.h"
#include "proxy/http1.h"
#include "proxy/reply.h"

namespace gracevisor::proxy {

class Core;

class Downstream final : public loop::Retirable, private loop::StreamObserver {
 public:
  // `since`: the table under which it was accepted.
  [[nodiscard]] static base::Expected<std::unique_ptr<Downstream>> open(Entrance& entrance, Arrival arrival,
                                                                        base::Epoch since);
  Downstream(const Downstream&) = delete;
  Downstream& operator=(const Downstream&) = delete;
  ~Downstream() override;

  // Serves it from now on. `preface`: a PROXY header comes first. May end it.
  void begin(bool preface);
  // The predecessor gave it for a listener that this daemon does not have: ends it, with an answer if its
  // client has asked something.
  void end_astray(bool preface);
  // Answers without reading a request, and closes.
  void turn_away(Reply reply);
  // Closes now, whatever is going on, without telling Core: its worker ends, or it is closed otherwise.
  void shut() noexcept;
  // Ends if no table lists the listener it came through any more.
  void look_at_listener();
  // There is a successor, or no longer. May end it.
  void look_at_successor();
  // Gives it to the successor; if that was possible, close() follows. Requires: it waits for that.
  [[nodiscard]] succession::ClientChannel::Given give_to(const succession::ClientChannel& channel) const;
  // The successor does not get it: it is served here. Requires: it waits. May end it.
  void stay();
  [[nodiscard]] Seat& seat() noexcept { return seat_; }
  // A request, or part of one, has arrived but is not read yet: the connection only seems idle. Makes a
  // system call.
  [[nodiscard]] bool asks() const noexcept { return stream_.unread() > 0; }
  // Closes it to make room for another connection. Requires: it is idle.
  void make_room() { close(); }
  // Null while nothing is served.
  [[nodiscard]] StreamUser* user() noexcept { return http1_.user(); }

  // For the code that serves the connection.
  [[nodiscard]] Core& core() const noexcept { return entrance_.core; }
  [[nodiscard]] ClientStream::Facts facts() const noexcept { return {address_, since_, trusted_}; }
  [[nodiscard]] const routing::ListenerRoutes* routes() const noexcept { return entrance_.routes; }
  [[nodiscard]] const config::Listener& config() const noexcept { return *entrance_.config; }
  [[nodiscard]] const http::HeadLimits& limits() const noexcept { return entrance_.limits; }
  // Past the preface, and neither lingering nor closed.
  [[nodiscard]] bool serving() const noexcept { return state_ == State::serving; }
  // The connection ends with the next answer: its listener leaves, the daemon shuts down, or it should be
  // with a successor that does not get it.
  [[nodiscard]] bool leaving() const noexcept;
  void count_own_answer() noexcept { entrance_.cell->own_answers.add(); }
  // What has come and is not served yet: part of a head, or pipelined requests.
  [[nodiscard]] base::ByteBuffer& input() noexcept { return input_; }
  // After stop(), what is written is dropped.
  [[nodiscard]] loop::WriteResult write(std::span<const std::string_view> pieces);
  [[nodiscard]] loop::WriteResult write(std::string_view bytes) { return write(std::span(&bytes, 1)); }
  // Empties the pipe into the connection: see loop::Stream::push.
  [[nodiscard]] loop::WriteResult push(loop::Pipe& pipe);
  [[nodiscard]] loop::Stream& stream() noexcept { return stream_; }
  [[nodiscard]] std::size_t queued() const noexcept { return stream_.queued(); }
  // Bytes that the socket has taken since the connection began.
  [[nodiscard]] std::uint64_t taken() const noexcept { return written_ - queued(); }
  // How many of them the client's side has acknowledged. Makes a system call.
  [[nodiscard]] std::uint64_t acknowledged() const noexcept {
    return taken() - std::min<std::uint64_t>(taken(), stream_.unacknowledged());
  }
  // Starts or stops reading, as the state demands.
  void update_reading();
  // Nothing is served now: the connection may be the first to go when places are scarce. `served`: a request
  // was, so the next one has idle_timeout to begin; otherwise the first one has head_timeout.
  void rest(bool served);
  // The successor serves what comes next: nothing more is begun here.
  [[nodiscard]] bool moves() const noexcept;
  // Nothing is served now, and the successor gets it as soon as what is queued has gone out. Requires:
  // moves().
  void await_successor();
  // Closes the socket, while what is served goes on.
  void stop();
  // Answers if that is possible at all, and closes. `head` is as much of the request as there is, for the
  // access log.
  void refuse(const http::Refusal& why, std::string_view head);
  // Half-closes behind what is queued, and discards what the client still sends, so that the client can
  // read the answer before its own bytes meet a closed socket (RFC 9112 section 9.6).
  void linger();
  // Closes so that the client sees that something is missing.
  void cut();
  void close();
  void deadline_passed();

 private:
  friend class Core;
  enum class State : std::uint8_t { preface, serving, lingering, closed };
  // Its way to the successor.
  enum class Move : std::uint8_t {
    none,
    waits,   // to be given
    asks,    // likewise, with something to serve: for a short time
    refused  // it stays, and ends with its next answer
  };

  Downstream(Entrance& entrance, base::Epoch since) noexcept;
  void on_bytes(std::string_view bytes) override;
  void on_readable() override { http1_.client_readable(); }
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;

  void read_preface(std::string_view fresh);
  // The client's address is known now.
  void know(const base::Address& client);
  // Takes its seat; false: its client has too many connections.
  [[nodiscard]] bool take_seat();
  [[nodiscard]] bool waits() const noexcept { return move_ == Move::waits || move_ == Move::asks; }
  void stop_waiting(Move move) noexcept;
  void serve();
  void refuse_preface();
  void discard(std::size_t bytes);

  Entrance& entrance_;
  loop::Stream stream_;
  Http1 http1_;  // its deadline is the connection's
  base::ByteBuffer input_;
  std::string address_;  // the client's
  const base::Epoch since_;
  Seat seat_;
  std::uint64_t written_ = 0;
  std::uint32_t lingers_since_ = 0;  // whole seconds of the loop's clock
  std::uint32_t discarded_ = 0;      // bytes, while lingering
  std::uint32_t position_ = 0;       // among Core's connections
  State state_ = State::preface;
  Move move_ = Move::none;
  bool trusted_ = false;
};

}  // namespace gracevisor::proxy
