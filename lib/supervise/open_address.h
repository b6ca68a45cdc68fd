// One address that is listened on. Whoever wants it to stay open holds an OpenAddressRef; when the last of
// them lets go, nobody can connect any more, whoever still has a descriptor. Thread: the supervisor's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "routing/route_table.h"

namespace gracevisor::supervise {

using SocketsRef = std::shared_ptr<const routing::ListenerSockets>;

// Ends the sockets when it goes; what waits unaccepted is reset, a Unix socket's file is removed.
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

// What an address is known by: the same words mean the same sockets, whatever the listener is called that has
// them, so that a listener may be renamed. But port 0 is another port for each listener.
[[nodiscard]] std::string address_key(const config::Listener& listener, const base::Address& address);

// Opens an address. Of those in `open` (which may have gone) one may have the same port as part of a wildcard
// or the other way round: the new one then joins it, where otherwise it would be refused as busy.
[[nodiscard]] base::Expected<OpenAddressRef> open_address(
    const config::Listener& listener, const base::Address& address, std::size_t workers,
    const std::vector<std::weak_ptr<const OpenAddress>>& open);

}  // namespace gracevisor::supervise
