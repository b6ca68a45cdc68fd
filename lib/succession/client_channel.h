// Clients' connections on their way from a daemon to its successor, which goes on serving them: a record on a
// SOCK_SEQPACKET socket for each, with the connection's descriptor. A record is at most 512 bytes; what was
// read from the client and not yet served travels in a sealed memfd when it does not fit.
// Threads: any; each record is sent and received in one system call. Nothing blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::succession {

// What goes along with a connection's descriptor.
struct ClientState {
  std::string listener;  // the listening address that it came through, as Address::text() has it
  base::Address client;  // who it belongs to: its peer, or whom the PROXY header named
  bool preface = false;  // the PROXY header is still to come, or begun in `bytes`
  bool served = false;   // at least one request was
  std::string bytes;     // read and not served; at most kMostUnserved
};

struct ClientConnection {
  base::UniqueFd socket;  // non-blocking, close-on-exec
  int family = 0;         // of the socket; a PROXY header may name a client of another one
  ClientState state;
};

class ClientChannel {
 public:
  static constexpr std::size_t kMostUnserved = std::size_t{64} << 10;

  // One end of a connected SOCK_SEQPACKET socket.
  explicit ClientChannel(base::UniqueFd socket) noexcept : socket_(std::move(socket)) {}

  enum class Given : std::uint8_t {
    given,  // it is the successor's now; close `socket` without shutting it down
    later,  // the channel is full, or descriptors or memory are lacking, here or in flight
    never,  // the successor is gone, which ended() then says; or the connection cannot travel
  };
  [[nodiscard]] Given give(int socket, const ClientState& state) const;

  enum class None : std::uint8_t {
    now,   // none has come
    room,  // one came and is lost: this process has no descriptor left for it
  };
  // The next one that has come. What is no record is closed and skipped.
  [[nodiscard]] std::expected<ClientConnection, None> take() const;
  // The other side is gone, and nothing more will come from it.
  [[nodiscard]] bool ended() const;
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  base::UniqueFd socket_;
};

}  // namespace gracevisor::succession
