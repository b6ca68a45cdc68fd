// The channel between a daemon and its successor: messages on the SOCK_SEQPACKET socket that the keeper gives
// both. One that does not fit into a record travels in a memfd. Nothing blocks and nothing is queued: what
// cannot be sent now is the caller's to send again, newer by then. Thread: the supervisor's.
#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "base/unique_fd.h"
#include "succession/messages.h"

namespace gracevisor::succession {

// As Channel::send().
[[nodiscard]] base::Expected<void> send(int socket, const Message& message);

class Channel {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{64} << 20;  // of a message

  // One end of a connected, non-blocking socket.
  explicit Channel(base::UniqueFd socket) : socket_(std::move(socket)) {}

  // Code EAGAIN, ETOOMANYREFS, ENFILE, EMFILE, ENOMEM or ENOBUFS: later; E2BIG: it is too long; otherwise
  // the other daemon is gone.
  [[nodiscard]] base::Expected<void> send(const Message& message) const {
    return succession::send(socket_.get(), message);
  }
  // The next message; unset: none for now, or the other daemon is gone. What makes no sense is skipped.
  [[nodiscard]] std::optional<Message> next();
  // The other daemon is gone.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // Readable when something has come, or the other daemon is gone.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  base::UniqueFd socket_;
  bool ended_ = false;
};

// Is it worth trying again after this error of send()?
[[nodiscard]] bool may_pass(int code) noexcept;

}  // namespace gracevisor::succession
