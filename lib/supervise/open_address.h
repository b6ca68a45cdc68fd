// One address that is listened on. It stays open as long as an OpenAddressRef is held; when the last is
// released, the address is given up: no client can connect any more, even if another process still has a
// descriptor. But if this daemon ends and leaves what is held to others, it only closes its own descriptors.
// Thread: the supervisor's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/holder.h"
#include "config/config.h"
#include "routing/route_table.h"

namespace gracevisor::supervise {

using SocketsRef = std::shared_ptr<const routing::ListenerSockets>;

// Gives up the address when destroyed: unaccepted connections are reset, and a Unix socket's file is removed.
class OpenAddress {
 public:
  // `holder`: who holds the sockets for the next daemon; null: nobody.
  OpenAddress(std::string key, base::Address configured, SocketsRef sockets, base::Holder* holder);
  OpenAddress(const OpenAddress&) = delete;
  OpenAddress& operator=(const OpenAddress&) = delete;
  ~OpenAddress();

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const base::Address& configured() const { return configured_; }
  [[nodiscard]] const SocketsRef& sockets() const { return sockets_; }

 private:
  std::string key_;
  base::Address configured_;
  SocketsRef sockets_;
  base::Holder* holder_;
};

using OpenAddressRef = std::shared_ptr<const OpenAddress>;

// The key of an address: the same key means the same sockets, regardless of the listener's name, so that a
// listener may be renamed. But port 0 is a different port for each listener.
[[nodiscard]] std::string address_key(const config::Listener& listener, const base::Address& address);

// Ends a listening socket for every process that has it, and removes the file of a Unix socket.
void end_listening(int socket);

// Opens an address, or goes on with the sockets that `holder`, which may be null, has of it. If an address in
// `open` (entries may have expired) has the same port, and one of the two is a wildcard, the new one joins
// the other; otherwise it would be refused as busy.
[[nodiscard]] base::Expected<OpenAddressRef> open_address(
    const config::Listener& listener, const base::Address& address, std::size_t workers,
    const std::vector<std::weak_ptr<const OpenAddress>>& open, base::Holder* holder);

}  // namespace gracevisor::supervise
