// The socket at which somebody takes lines: syslog or journald on this host, or syslog by UDP. Never waits.
//
// A path is judged as that of a log file (base/safe_path.h): whoever listens at it is told that root sends,
// so one that another user, the app's too, can replace is refused. "/dev/log" may be a datagram or a stream
// socket; on a stream a NUL ends each message. What journald cannot take as a datagram goes to it as a sealed
// memfd. Thread: one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"
#include "output/lines.h"
#include "output/log_opener.h"

namespace gracevisor::output {

class SinkSocket {
 public:
  SinkSocket() = default;
  // `where`: its sink and path, an absolute one or "udp://192.0.2.1:514".
  [[nodiscard]] static base::PathResult<SinkSocket> open(const FilePolicy& where, const LogOpener& opener);

  // May it be opened, as far as the rules say? Opens nothing: whether anybody listens there is not asked.
  [[nodiscard]] static base::Expected<void> check(const FilePolicy& where, const LogOpener& opener);

  enum class Sent : std::uint8_t {
    all,
    full,     // nothing more before it can be written
    scarce,   // memory or descriptors are: a little later
    too_big,  // no message of this size will ever be taken
    refused,  // by UDP: nobody took an earlier one; this one was not sent
    broken,   // nothing more will be taken: open it anew
  };
  // Removes what was taken from `message`, of which a stream may take a part.
  [[nodiscard]] Sent send(std::string_view& message);
  // Behind `refused` and `broken`: why.
  [[nodiscard]] int error() const noexcept { return error_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  // Messages need an end of their own.
  [[nodiscard]] bool stream() const noexcept { return kind_ == Kind::stream; }

 private:
  enum class Kind : std::uint8_t { datagram, stream, journal, udp };

  [[nodiscard]] Sent send_sealed(std::string_view& message);
  [[nodiscard]] Sent judge(int code);

  base::UniqueFd fd_;
  Kind kind_ = Kind::datagram;
  int error_ = 0;
};

inline constexpr std::string_view kUdp = "udp://";

}  // namespace gracevisor::output
