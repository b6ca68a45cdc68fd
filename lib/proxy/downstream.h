// A client's connection.
//
//   [preface -->] idle --bytes--> reading_head --head--> beginning --> exchanging --next--> idle
//                   \__________________head in one read__/   |   \--linger--> lingering --> closed
//                    \--TCP mode--> beginning --> tunnelling <'
//
// preface: the PROXY header is awaited, if the listener asks for it. deaf: the client is gone, but its
// exchange goes on to the end of the response. tunnelling: bytes pass both ways (tunnel.h). An idle
// connection owns no parser, no exchange and no buffer, only the one deadline that all states share. Reads
// stay armed in every state, so that a client that leaves is noticed, except under back-pressure: a request's
// body that cannot be passed on, or 64 kB of pipelined requests. One request is served at a time. Owners:
// Core owns it; it owns the exchange. Thread: the worker's.
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
#include "proxy/exchange.h"
#include "proxy/tunnel.h"

namespace gracevisor::proxy {

class Downstream final : public loop::Retirable,
                         private loop::StreamObserver,
                         private loop::DeadlineObserver {
 public:
  // With this many bytes queued for one side, the other side is not read.
  static constexpr std::size_t kHighWater = std::size_t{256} << 10;

  // `since`: the table under which it was accepted.
  [[nodiscard]] static base::Expected<std::unique_ptr<Downstream>> open(Core& core, Entrance& entrance,
                                                                        loop::Accepted connection,
                                                                        base::Epoch since);
  Downstream(const Downstream&) = delete;
  Downstream& operator=(const Downstream&) = delete;
  ~Downstream() override;

  // Serves it from now on. May end it.
  void begin();
  // Answers without reading a request, and closes.
  void turn_away(Reply reply);
  // Closes now, whatever is going on, without telling anyone: the worker ends.
  void shut() noexcept;
  // Ends if no table lists the listener it came through any more.
  void look_at_listener();
  [[nodiscard]] Seat& seat() noexcept { return seat_; }
  // A request, or part of one, has arrived but is not read yet: it only seems idle. A system call.
  [[nodiscard]] bool asks() const noexcept { return stream_.unread() > 0; }
  // Closes it to make room for another connection. Requires: it is idle.
  void make_room() { close(); }
  // Null while no request is served.
  [[nodiscard]] Exchange* exchange() noexcept { return exchange_.get(); }
  // Null while none is open.
  [[nodiscard]] Tunnel* tunnel() noexcept { return tunnel_.get(); }

  // For the exchange and the tunnel.
  [[nodiscard]] const routing::ListenerRoutes* listener() const noexcept { return entrance_.routes; }
  [[nodiscard]] base::Epoch since() const noexcept { return since_; }
  // It ends with the next answer: its listener leaves, or the daemon shuts down.
  [[nodiscard]] bool leaving() const noexcept;
  [[nodiscard]] bool listener_leaves() const noexcept { return entrance_.leaving(); }
  void count_own_answer() noexcept { entrance_.cell->own_answers.add(); }
  [[nodiscard]] std::string_view address() const noexcept { return address_; }
  [[nodiscard]] bool trusted() const noexcept { return trusted_; }
  [[nodiscard]] loop::WriteResult write(std::span<const std::string_view> pieces);
  [[nodiscard]] loop::WriteResult write(std::string_view bytes) { return write(std::span(&bytes, 1)); }
  // Empties the pipe into the connection: see loop::Stream::push.
  [[nodiscard]] loop::WriteResult push(loop::Pipe& pipe);
  // Requires: not deaf().
  [[nodiscard]] loop::Stream& stream() noexcept { return stream_; }
  [[nodiscard]] std::size_t queued() const noexcept { return stream_.queued(); }
  // Bytes that the socket has taken since the connection began.
  [[nodiscard]] std::uint64_t taken() const noexcept { return written_ - queued(); }
  // Those of them that the client's side has acknowledged: a system call.
  [[nodiscard]] std::uint64_t acknowledged() const noexcept {
    return taken() - std::min<std::uint64_t>(taken(), stream_.unacknowledged());
  }
  [[nodiscard]] loop::Deadline& deadline() noexcept { return deadline_; }
  // Reads or stops reading, as the state demands.
  void update_reading();
  // The client has finished sending.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // FIN behind what is queued.
  void finish_writing() { stream_.finish_writing(); }
  // The exchange is over; a tunnel takes its place.
  void become_tunnel(Tunnel::Parts parts, std::string_view from_client, std::string_view from_app);
  // The client is gone: from now on what is written is dropped, until the exchange ends.
  [[nodiscard]] bool go_deaf();
  [[nodiscard]] bool deaf() const noexcept { return state_ == State::deaf; }
  void exchange_ended(Ending ending);
  void tunnel_ended(Ending ending);

 private:
  friend class Core;
  enum class State : std::uint8_t {
    preface,
    idle,
    reading_head,
    beginning,
    exchanging,
    deaf,
    tunnelling,
    lingering,
    closed
  };

  Downstream(Core& core, Entrance& entrance, base::Epoch since) noexcept;
  void on_bytes(std::string_view bytes) override;
  void on_readable() override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;
  void on_deadline() override;

  void read_preface(std::string_view fresh);
  // The client's address is known now.
  void know(const base::Address& client);
  // Takes its seat; false: its client has too many.
  [[nodiscard]] bool take_seat();
  void serve();
  void end(Ending ending);
  void advance(std::string_view fresh);
  [[nodiscard]] std::size_t read_head(std::string_view input);
  void settle();
  // Answers if that is possible at all, and closes. `head` is as much of the request as there is, for the
  // access log.
  void refuse(const http::Refusal& why, std::string_view head);
  void refuse_preface();
  void linger();
  void discard(std::size_t bytes);
  void close();

  Core& core_;
  Entrance& entrance_;
  loop::Stream stream_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Tunnel> tunnel_;
  loop::Deadline deadline_;
  base::ByteBuffer buffer_;  // part of a head, or pipelined requests
  std::string address_;      // the client's, for X-Forwarded-For; empty on a Unix socket
  base::Epoch since_;
  Seat seat_;
  std::uint64_t written_ = 0;
  std::uint32_t lingers_since_ = 0;  // whole seconds of the loop's clock
  std::uint32_t discarded_ = 0;      // bytes, while lingering
  std::uint32_t position_ = 0;       // among Core's connections
  State state_ = State::idle;
  bool trusted_ = false;
  bool served_ = false;  // at least one head was complete
  bool ended_ = false;   // the client has finished sending
};

}  // namespace gracevisor::proxy
