// The answer to one request: whole, or a stream that goes on as long as there is more to say. The handler of
// the request may keep the Response and answer later, from the loop.
//
//   waiting -- answer() --> ended
//   waiting -- begin_stream() --> streaming -- end() --> ended
//   waiting, streaming -- the client leaves, or its queue overflows --> gone
//
// In `gone` every call is allowed and does nothing, so a handler need not check. A Response destroyed
// unanswered becomes a 500; a stream that was not ended is cut, which an HTTP/1.1 client can tell by its
// chunks. No callback runs inside a call to the Response. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace gracevisor::serve {

// A whole answer.
struct Content {
  int status = 200;
  std::string_view type;  // "application/json"; valid during the call
  std::string body;
};

// Where a Response goes: a connection. It detaches the Response when the answer is complete or the client has
// gone.
class ResponseSink {
 public:
  virtual void answer(const Content& content) = 0;
  virtual void begin(int status, std::string_view type) = 0;
  virtual void add(std::string_view piece) = 0;
  virtual void finish() = 0;
  // The Response was destroyed before its answer was complete.
  virtual void abandon() = 0;
  // The stream that comes next lasts as long as its client likes. False: there are already too many of these.
  [[nodiscard]] virtual bool follow() = 0;
  // Bytes that wait for the client.
  [[nodiscard]] virtual std::size_t queued() const = 0;

 protected:
  ~ResponseSink() = default;
};

class Response {
 public:
  explicit Response(ResponseSink& sink) noexcept : sink_(&sink) {}
  Response(const Response&) = delete;
  Response& operator=(const Response&) = delete;
  ~Response();

  // The whole answer.
  void answer(const Content& content);

  // Asks for a place for a stream that does not end by itself; call before begin_stream(). False: there is
  // no place, so refuse. Also true once the client is gone.
  [[nodiscard]] bool follow();

  // The head; pieces follow.
  void begin_stream(int status, std::string_view type);
  // The next bytes, sent at once. A client that does not read is cut off: see Limits in serve/connection.h.
  void add(std::string_view piece);
  void end();
  // Bytes of it that wait for a client that has not read them yet; 0: none, or it is gone.
  [[nodiscard]] std::size_t queued() const { return sink_ == nullptr ? 0 : sink_->queued(); }
  // Runs whenever nothing waits any more, after something did; as on_gone(). An empty function cancels it,
  // and so does end().
  void on_drained(std::function<void()> notice) { drained_ = std::move(notice); }

  // False once nothing more can be sent: the client has gone, or the answer is complete.
  [[nodiscard]] bool open() const noexcept { return sink_ != nullptr; }
  // Runs once if the client leaves before the answer is complete; later in the loop, never inside a call to
  // this object, and not after the connection has been destroyed. An empty function cancels it.
  void on_gone(std::function<void()> notice) { notice_ = std::move(notice); }

  // For the sink: it is done with this Response and makes no further call except for the notice.
  void detach() noexcept { sink_ = nullptr; }
  void notify_gone();
  void notify_drained();

 private:
  enum class State { waiting, streaming, ended };
  State state_ = State::waiting;
  ResponseSink* sink_;  // null: gone
  std::function<void()> notice_;
  std::function<void()> drained_;
};

}  // namespace gracevisor::serve
