// One client of the control socket, for server.cpp.
//
//   reading_head -> reading_body -> answering -> reading_head, if the connection is kept
//        |               |             |
//        '--- refused ---'-------------'--> lingering -> gone
//
// In `answering` a Reply exists. In `lingering` our side is finished: queued bytes go out, further input is
// discarded, so that a client that is still sending can read its refusal. A client that leaves or does not
// read becomes `gone` from any state. Thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "control/server.h"
#include "http/body.h"
#include "http/head.h"
#include "loop/deadlines.h"
#include "loop/stream.h"

namespace gracevisor::control {

class Connection final : loop::StreamObserver, loop::DeadlineObserver, ReplySink {
 public:
  // The owner of the connections.
  class Owner {
   public:
    // A complete request from an authorised client.
    virtual void on_request(const Request& request, std::shared_ptr<Reply> reply) = 0;
    // It is closed; free it later in the loop, after notify_gone().
    virtual void on_closed(Connection& connection) = 0;
    // May it follow, in addition to the current followers?
    [[nodiscard]] virtual bool on_follow(const Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  Connection(Owner& owner, loop::Deadlines& deadlines, http::HeadReader& heads, const Peer& peer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  [[nodiscard]] base::Expected<void> start(loop::Loop& loop, base::UniqueFd socket);
  // Runs the gone notice of a Reply whose client left.
  void notify_gone();

  [[nodiscard]] Role role() const noexcept { return request_.peer.role; }
  [[nodiscard]] bool follows() const noexcept { return follows_; }
  // Since when it has been waiting for the client to complete a request or to leave; unset while the daemon
  // answers.
  [[nodiscard]] std::optional<base::TimePoint> waits_since() const noexcept;
  // Closes it to make room for others.
  void give_up() { close(); }

 private:
  enum class State { reading_head, reading_body, answering, lingering, gone };

  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;
  void on_deadline() override;

  void answer(int status, std::string_view body) override;
  void begin() override;
  void add_line(std::string_view json) override;
  void finish() override;
  void abandon() override;
  [[nodiscard]] bool follow() override;

  void read_head();
  void read_body();
  // Checks what is asked, and keeps what is needed from the head.
  [[nodiscard]] bool accept_head(const http::RequestHead& head);
  void dispatch();

  void refuse(int status, const Error& error);
  void write_head(int status, std::string_view type, std::string_view framing);
  void write(std::span<const std::string_view> pieces);
  void end_answer();
  // It is the client's turn.
  void await_client(base::Millis deadline);
  void linger();
  void close();

  Owner& owner_;
  loop::Loop* loop_ = nullptr;  // once started
  loop::Deadlines& deadlines_;
  http::HeadReader& heads_;
  loop::Stream stream_{*this};
  loop::Deadline deadline_{*this};
  State state_ = State::reading_head;
  base::TimePoint waits_since_{};

  // The current request.
  base::ByteBuffer input_;
  http::BodyReader body_;
  Request request_;
  bool keep_alive_ = true;  // after its answer
  bool chunked_ = true;     // a stream is sent in chunks; HTTP/1.0 has none
  bool streaming_ = false;
  bool follows_ = false;
  std::size_t most_queued_ = 0;  // above this, a stream's reader is too slow
  std::weak_ptr<Reply> reply_;
};

}  // namespace gracevisor::control
