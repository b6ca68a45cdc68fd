// A TCP port of this test alone: bound, so that no other process is given it, but not listening, so that
// connections are refused until listen(), or until the test listens there itself (SO_REUSEADDR, as
// open_listening_sockets sets it). A port that the kernel chose is free again as soon as its listener closes
// or shuts down. Thread: any.
#pragma once

#include <sys/socket.h>

#include <stdexcept>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::test {

class HeldPort {
 public:
  explicit HeldPort(const base::Address& any_port = base::Address::tcp_loopback(base::Port(0)))
      : socket_(::socket(any_port.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)), address_(any_port) {
    const int on = 1;
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(socket_.get(), any_port.get(), any_port.length()) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
      throw std::runtime_error("cannot hold a port of " + any_port.text());
    }
    address_ =
        any_port.with_port(base::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), length).port());
  }

  // From now on connections are taken, but nobody accepts them.
  void listen() const {
    if (::listen(socket_.get(), 1) != 0) throw std::runtime_error("cannot listen on " + address_.text());
  }

  [[nodiscard]] const base::Address& address() const { return address_; }

 private:
  base::UniqueFd socket_;
  base::Address address_;
};

}  // namespace gracevisor::test
