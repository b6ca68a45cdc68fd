// One client of a small HTTP/1.1 server, over any stream, Unix or TCP: reads complete requests, one at a
// time, and sends what the Response is given. It knows neither what paths mean nor who may ask; its observer
// does.
//
//   reading_head -> reading_body -> answering -> reading_head, if the connection is kept
//        |               |             |
//        '--- refused ---'-------------'--> lingering -> gone
//
// In `answering` a Response exists. In `lingering` our side is finished: queued bytes go out, further input
// is discarded, so that a client that is still sending can read its refusal. If the client leaves or does not
// read, any state leads to `gone`. A client that ends its side before the answer is complete counts as having
// left. Requests are not pipelined: what arrives before the answer is complete is discarded, and the
// connection closes after that answer. An answer to HEAD has no content. Thread: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "http/body.h"
#include "http/head.h"
#include "loop/deadlines.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "serve/response.h"

namespace gracevisor::serve {

struct Limits {
  http::HeadLimits head = {};
  std::size_t body = 1U << 20;      // bytes; beyond this, 413
  std::size_t queued = 1U << 20;    // bytes of a stream that wait for a slow reader; closed beyond this
  std::size_t at_once = 64U << 20;  // the same for what is sent within on_request()
  base::Millis request{10000};      // to complete a request, and again for the next one
  base::Millis linger{10000};
};

// What the connection refuses by itself.
struct Fault {
  enum class Kind {
    bad_head,  // `token` says why
    bad_body,
    large_body,  // beyond Limits::body
    late,        // not complete within Limits::request
    unanswered,  // the Response was destroyed
  };
  Kind kind;
  int status;
  std::string_view token;  // of http::Refusal
};

class ConnectionObserver {
 public:
  // A request's head has come; it is valid during the call. Content that is returned refuses the request, and
  // the connection closes without reading the body; unset: go on.
  [[nodiscard]] virtual std::optional<Content> on_head(const http::RequestHead& head) = 0;
  // The request whose head came last is complete.
  virtual void on_request(std::string body, std::shared_ptr<Response> response) = 0;
  // What the client is told, with the fault's status.
  [[nodiscard]] virtual Content explain(const Fault& fault) = 0;
  // May this connection follow, in addition to the current followers?
  [[nodiscard]] virtual bool on_follow() = 0;
  // The connection is closed; free it later in the loop, after notify_gone().
  virtual void on_closed() = 0;

 protected:
  ~ConnectionObserver() = default;
};

class Connection final : loop::StreamObserver, loop::DeadlineObserver, ResponseSink {
 public:
  // All of these must outlive it; `heads` and `deadlines` serve any number of connections of one loop.
  Connection(ConnectionObserver& observer, loop::Deadlines& deadlines, http::HeadReader& heads,
             const Limits& limits);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Takes over a connected, non-blocking socket of this address family. After an error the connection has
  // never been open, and on_closed() is not called.
  [[nodiscard]] base::Expected<void> start(loop::Loop& loop, base::UniqueFd socket, int family);
  // Runs the gone notice of a Response whose client left.
  void notify_gone();

  [[nodiscard]] bool follows() const noexcept { return follows_; }
  // Since when it has been waiting for the client to complete a request or to leave; unset while the request
  // is being answered.
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

  void answer(const Content& content) override;
  void begin(int status, std::string_view type) override;
  void add(std::string_view piece) override;
  void finish() override;
  void abandon() override;
  [[nodiscard]] bool follow() override;
  [[nodiscard]] std::size_t queued() const override { return stream_.queued(); }

  void read_head();
  void read_body();
  [[nodiscard]] bool accept_head(const http::RequestHead& head);
  void dispatch();

  void refuse(const Content& content);
  void refuse(Fault::Kind kind, int status, std::string_view token = {});
  void write_content(const Content& content);
  void write(std::span<const std::string_view> pieces);
  void write(std::string_view text) { write({&text, 1}); }
  void end_answer();
  // It is the client's turn.
  void await_client(base::Millis deadline);
  void linger();
  void close();

  ConnectionObserver& observer_;
  loop::Loop* loop_ = nullptr;  // once started
  loop::Deadlines& deadlines_;
  http::HeadReader& heads_;
  const Limits& limits_;
  loop::Stream stream_{*this};
  loop::Deadline deadline_{*this};
  State state_ = State::reading_head;
  base::TimePoint waits_since_{};

  // The current request.
  base::ByteBuffer input_;
  http::BodyReader body_;
  std::string content_;     // of the request
  bool head_only_ = false;  // the answer has no content
  bool keep_alive_ = true;  // after its answer
  bool chunked_ = true;     // a stream is sent in chunks; HTTP/1.0 has none
  bool streaming_ = false;
  bool follows_ = false;
  std::size_t most_queued_ = 0;  // above this, a stream's reader is too slow
  std::weak_ptr<Response> response_;
};

// Tells a client that there is no place for it, if its socket takes `content` at once; the caller closes the
// socket.
void turn_away(const base::UniqueFd& socket, const Content& content);

}  // namespace gracevisor::serve
