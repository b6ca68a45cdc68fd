#include "support/raw_end.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace gracevisor::test {

RawEnd::RawEnd(base::UniqueFd socket) : socket_(std::move(socket)) {
  if (!base::set_nonblocking(socket_.get())) throw std::runtime_error("cannot make a socket non-blocking");
  // Every piece leaves as it is written; a Unix socket knows no other way.
  int yes = 1;
  (void)::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

RawEnd RawEnd::connect(const base::Address& address) {
  base::UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket.get(), address.get(), address.length()) != 0) {
    throw std::runtime_error("cannot connect to " + address.text());
  }
  return RawEnd(std::move(socket));
}

void RawEnd::reset() {
  linger now{1, 0};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

bool RawEnd::pump() {
  if (!socket_) return false;
  bool sent = send_some();
  return read_some() || sent;
}

bool RawEnd::send_some() {
  bool moved = false;
  while (!unsent_.empty()) {
    ssize_t n = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EAGAIN) break;
      // The kernel says so once: who reads next is told of an end.
      reset_told_ = reset_told_ || errno == ECONNRESET;
      writable_ = false;
      unsent_.clear();
      break;
    }
    unsent_.erase(0, static_cast<std::size_t>(n));
    moved = true;
  }
  if (!finishing_ || finished_ || !unsent_.empty()) return moved;
  (void)::shutdown(socket_.get(), SHUT_WR);
  return finished_ = true;
}

bool RawEnd::read_some() {
  bool moved = false;
  while (!paused_ && end_ == End::open) {
    std::array<char, 65536> space;
    ssize_t n = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (n < 0 && errno == EAGAIN) break;
    moved = true;
    if (n > 0) {
      received_.append(space.data(), static_cast<std::size_t>(n));
    } else {
      end_ = n == 0 && !reset_told_ ? End::finished : End::reset;
    }
  }
  return moved;
}

void RawEnd::read(std::size_t most) {
  std::string space(most, '\0');
  ssize_t n = ::recv(socket_.get(), space.data(), space.size(), 0);
  if (n > 0) received_.append(space, 0, static_cast<std::size_t>(n));
}

void RawEnd::refuse_bytes() {
  paused_ = true;
  (void)::shutdown(socket_.get(), SHUT_RD);
}

std::string RawEnd::take() {
  return received_.substr(std::exchange(taken_, received_.size()));
}

}  // namespace gracevisor::test
