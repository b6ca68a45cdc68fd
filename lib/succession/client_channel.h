// Clients' connections on their way from a daemon to its successor, which goes on serving them: a record on a
// SOCK_SEQPACKET socket for each, with the connection's descriptor. A record is at most 512 bytes; what was
// read from the client and not yet served travels in a memfd when it does not fit.
// Threads: any; each record is sent and received in one system call. Nothing blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::succession {

struct ClientConnection {
  base::UniqueFd socket;
  std::string listener;  // the listening address that it came through, as Address::text() has it
  base::Address client;  // who it belongs to: its peer, or whom the PROXY header named
  bool preface = false;  // the PROXY header is still to come, or begun in `bytes`
  bool served = false;   // at least one request was
  std::string bytes;     // read and not served; at most kMostUnserved
};

class ClientChannel {
 public:
  static constexpr std::size_t kMostUnserved = std::size_t{64} << 10;

  // One end of a connected SOCK_SEQPACKET socket, non-blocking.
  explicit ClientChannel(base::UniqueFd socket) : socket_(std::move(socket)) {}

  enum class Given : std::uint8_t {
    given,  // it is the successor's now; close ours without shutting it down
    later,  // the channel is full, or too many descriptors are in flight
    never,  // the successor is gone, or the connection cannot travel
  };
  [[nodiscard]] Given give(const ClientConnection& connection) const;

  // The next one that has come; unset: none for now. What is no record is closed and skipped.
  [[nodiscard]] std::optional<ClientConnection> take() const;
  // The predecessor is gone, and nothing more will come.
  [[nodiscard]] bool ended() const;
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  base::UniqueFd socket_;
};

}  // namespace gracevisor::succession
