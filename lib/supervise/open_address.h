// One address that is listened on. It stays open as long as an OpenAddressRef is held; when the last is
// released, no client can connect any more, even if another process still has a descriptor. Thread: the
// supervisor's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "routing/route_table.h"

namespace gracevisor::supervise {

using SocketsRef = std::shared_ptr<const routing::ListenerSockets>;

// Ends the sockets when destroyed: unaccepted connections are reset, and a Unix socket's file is removed.
class OpenAddress {
 public:
  OpenAddress(std::string key, base::Address configured, SocketsRef sockets);
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
};

using OpenAddressRef = std::shared_ptr<const OpenAddress>;

// The key of an address: the same key means the same sockets, whatever their listener is called, so that a
// listener may be renamed. But port 0 is a different port for each listener.
[[nodiscard]] std::string address_key(const config::Listener& listener, const base::Address& address);

// Opens an address. One of those in `open` (entries may have expired) may be a wildcard that covers the same
// port, or the other way round: the new one then joins it, where it would otherwise be refused as busy.
[[nodiscard]] base::Expected<OpenAddressRef> open_address(
    const config::Listener& listener, const base::Address& address, std::size_t workers,
    const std::vector<std::weak_ptr<const OpenAddress>>& open);

}  // namespace gracevisor::supervise
