// Addresses to listen on or to dial: TCP over IPv4 or IPv6, or a Unix socket's path.
// Thread: values, any thread. There is no name resolution: hosts are numeric.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/strong.h"

namespace gracevisor::base {

class Address {
 public:
  Address() = default;

  [[nodiscard]] static Address tcp_loopback(Port port);                     // 127.0.0.1:port
  [[nodiscard]] static Expected<Address> unix_path(std::string_view path);  // at most 107 bytes
  // "127.0.0.1:80", "[::1]:80", "*:80" (the IPv6 wildcard, both families), "unix:/run/x.sock"; port 0 is
  // allowed.
  [[nodiscard]] static Expected<Address> parse(std::string_view text);
  [[nodiscard]] static Address from_sockaddr(const sockaddr* address, socklen_t length);

  [[nodiscard]] const sockaddr* get() const noexcept;
  [[nodiscard]] socklen_t length() const noexcept { return length_; }
  [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
  [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
  [[nodiscard]] bool dual_stack() const noexcept { return dual_stack_; }  // "*": accept IPv4 as well
  [[nodiscard]] Port port() const noexcept;                               // 0 for a Unix socket
  [[nodiscard]] Address with_port(Port port) const;
  // For a Unix socket's path in a folder that `user` can write: a dial then fails unless the listener belongs
  // to that user, so that a symbolic link cannot lead it to a socket that the user could not have reached.
  [[nodiscard]] Address owned_by(uid_t user) const;
  [[nodiscard]] const std::optional<uid_t>& owner() const noexcept { return owner_; }
  // In the form that parse() takes.
  [[nodiscard]] std::string text() const;
  // The host alone, numeric, without brackets and with IPv4-mapped IPv6 shown as IPv4; "unix:" for Unix.
  [[nodiscard]] std::string host_text() const;

  bool operator==(const Address& other) const noexcept;

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
  bool dual_stack_ = false;
  std::optional<uid_t> owner_;  // not part of the address: equality ignores it
};

}  // namespace gracevisor::base
