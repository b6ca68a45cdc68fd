// The answer to one request of the control API: a single object, or a stream of NDJSON lines. The handler may
// keep it and answer later, from the loop.
//
//   waiting -- json() or error() --> ended
//   waiting -- begin_stream() --> streaming -- end() --> ended
//   waiting, streaming -- the client leaves, or its queue overflows --> gone
//
// In `gone` every call is allowed and does nothing, so a handler need not check. A Reply destroyed unanswered
// becomes a 500; a stream that was not ended is cut (the client can tell). No callback runs inside a call to
// the Reply. Thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "control/messages.h"

namespace gracevisor::control {

// Where a Reply goes: a connection, or a test's record. It detaches the Reply when the answer is complete or
// the client has gone.
class ReplySink {
 public:
  virtual void answer(int status, std::string_view body) = 0;
  virtual void begin() = 0;
  virtual void add_line(std::string_view json) = 0;
  virtual void finish() = 0;
  // The Reply was destroyed before its answer was complete.
  virtual void abandon() = 0;
  // The stream that comes next lasts as long as its client likes. False: there are already too many of these.
  [[nodiscard]] virtual bool follow() = 0;

 protected:
  ~ReplySink() = default;
};

class Reply {
 public:
  explicit Reply(ReplySink& sink) noexcept : sink_(&sink) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply();

  // The whole answer; `body` is one JSON object.
  void json(int status, std::string_view body);
  // The status is derived from error.exit.
  void error(const Error& error);

  // Asks for a place for a stream that does not end by itself; call before begin_stream(). False: there is
  // none, so refuse. Also true once the client is gone.
  [[nodiscard]] bool follow();

  // 200, application/x-ndjson; lines follow.
  void begin_stream();
  // One JSON object without a newline in it.
  void line(std::string_view json_line);
  void end();

  // false once nothing more can be sent: the client has gone, or the answer is complete.
  [[nodiscard]] bool open() const noexcept { return sink_ != nullptr; }
  // Runs once if the client leaves before the answer is complete; later in the loop, never inside a call to
  // this object, and not after the server has been destroyed. An empty function cancels it.
  void on_gone(std::function<void()> notice) { notice_ = std::move(notice); }

  // For the sink: it is done with this Reply and makes no further call except for the notice.
  void detach() noexcept { sink_ = nullptr; }
  void notify_gone();

 private:
  enum class State { waiting, streaming, ended };
  State state_ = State::waiting;
  ReplySink* sink_;  // null: gone
  std::function<void()> notice_;
};

}  // namespace gracevisor::control
