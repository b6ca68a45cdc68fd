// The control API's client: blocking, one connection per call. For gvctl and tests; never in the daemon.
// Thread: the caller's.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"

namespace gracevisor::control {

struct Call {
  http::Method method = http::Method::get;  // get or post
  std::string target;                       // "/v1/apps/web/logs?n=100"
  std::string body;                         // JSON, for post
};

struct Answer {
  int status = 0;
  std::string body;  // empty if it came as lines
};

struct CallError {
  enum class Kind {
    unreachable,    // nothing is listening
    silent,         // somebody listens, but does not answer
    not_permitted,  // this user may not use the socket, or the listener is not trusted
    lost,           // the connection ended before the answer was complete
    malformed,      // the bytes received are not a daemon's answer
    interrupted,    // the interrupt descriptor became readable
    unusable,       // the path cannot be that of a socket
    late,           // the caller's deadline is over
    failed,         // this process lacks a resource
  };
  Kind kind = Kind::unreachable;
  std::string what;  // a whole sentence without its full stop, with the socket's path
};

class Client {
 public:
  struct Options {
    int interrupt = -1;  // becomes readable when the caller wants the call to end; still owned by the caller
    base::Millis patience{30000};  // to connect (10 s at most) and for the next byte, except within a stream
    std::optional<base::TimePoint> deadline = {};  // when every call has to be over
  };
  // Before anything is sent, the listener's identity is checked (see may_be_believed).
  explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}
  Client(std::string socket_path, const Options& options)
      : socket_path_(std::move(socket_path)), options_(options) {}

  using Result = std::expected<Answer, CallError>;
  // One NDJSON line, valid during the call; return false to hang up.
  using OnLine = std::function<bool(std::string_view line)>;

  [[nodiscard]] Result ask(const Call& call) const;
  // A 200 comes line by line, however long it takes; any other answer comes as a whole.
  [[nodiscard]] Result stream(const Call& call, const OnLine& on_line) const;

  [[nodiscard]] const std::string& socket_path() const noexcept { return socket_path_; }
  [[nodiscard]] Client with_patience(base::Millis patience) const;

 private:
  std::string socket_path_;
  Options options_;
};

}  // namespace gracevisor::control
