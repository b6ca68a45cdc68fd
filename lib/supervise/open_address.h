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

// The key of an address: the same key means the same sockets, regardless of the listener's name, so that a
// listener may be renamed. But port 0 is a different port for each listener.
[[nodiscard]] std::string address_key(const config::Listener& listener, const base::Address& address);

// Opens an address. If an address in `open` (entries may have expired) has the same port, and one of the two
// is a wildcard, the new one joins the other; otherwise it would be refused as busy.
[[nodiscard]] base::Expected<OpenAddressRef> open_address(
    const config::Listener& listener, const base::Address& address, std::size_t workers,
    const std::vector<std::weak_ptr<const OpenAddress>>& open);

}  // namespace gracevisor::supervise
