#include "support/proxy_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>

#include "loop/listening_socket.h"

namespace gracevisor::test {
namespace {

constexpr int kPatienceMs = static_cast<int>(std::chrono::milliseconds(kPatience).count());

bool ready(int fd, short events, int timeout_ms) {
  pollfd entry{fd, events, 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

}  // namespace

void pause_briefly() {
  (void)::poll(nullptr, 0, 1);
}

Peer::Peer(base::UniqueFd socket) : socket_(std::move(socket)) {
  if (!base::set_nonblocking(socket_.get())) throw std::runtime_error("cannot make a socket non-blocking");
}

Peer Peer::connect(const base::Address& address, int receive_buffer) {
  base::UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (receive_buffer > 0) {
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  if (::connect(socket.get(), address.get(), address.length()) != 0) {
    throw std::runtime_error("cannot connect to " + address.text());
  }
  return Peer(std::move(socket));
}

std::size_t Peer::send_some(std::string_view bytes) {
  ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EAGAIN || !ready(socket_.get(), POLLOUT, kPatienceMs)) {
      return false;
    }
  }
  return true;
}

bool Peer::fill(int timeout_ms) {
  if (!socket_ || end_ != End::open || !ready(socket_.get(), POLLIN, timeout_ms)) return false;
  std::array<char, 65536> space;
  ssize_t n = ::recv(socket_.get(), space.data(), space.size(), 0);
  if (n > 0) {
    pending_.append(space.data(), static_cast<std::size_t>(n));
    return true;
  }
  if (n < 0 && errno == EAGAIN) return true;
  end_ = n == 0 ? End::finished : End::reset;
  return false;
}

std::string Peer::read_past(std::string_view mark) {
  std::size_t from = 0;
  for (;;) {
    auto at = pending_.find(mark, from);
    if (at != std::string::npos) return read_exactly(at + mark.size());
    from = pending_.size() < mark.size() ? 0 : pending_.size() - mark.size();
    if (!fill(kPatienceMs)) return {};
  }
}

std::string Peer::read_exactly(std::size_t count) {
  while (pending_.size() < count) {
    if (!fill(kPatienceMs)) return {};
  }
  std::string result = pending_.substr(0, count);
  pending_.erase(0, count);
  return result;
}

std::string Peer::read_to_end() {
  while (fill(kPatienceMs)) {
  }
  return std::move(pending_);
}

std::string Peer::read_message() {
  std::string head = read_past("\r\n\r\n");
  auto at = head.find("Content-Length: ");
  if (at == std::string::npos) at = head.find("content-length: ");
  if (at == std::string::npos) return head;
  constexpr std::size_t kName = 16;
  return head + read_exactly(std::strtoul(head.c_str() + at + kName, nullptr, 10));
}

bool Peer::quiet() {
  return pending_.empty() && !ready(socket_.get(), POLLIN, 0);
}

void Peer::finish_writing() {
  (void)::shutdown(socket_.get(), SHUT_WR);
}

void Peer::reset() {
  linger now{1, 0};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

Acceptor::Acceptor(const base::Address& address) {
  if (!address.is_unix() && address.port() == base::Port(0)) port_.emplace(address);
  auto opened = loop::open_listening_sockets(port_ ? port_->address() : address, 1);
  if (!opened) throw std::runtime_error(opened.error().what);
  socket_ = std::move(opened->sockets.front());
  address_ = opened->address;
}

Peer Acceptor::accept() {
  if (!ready(socket_.get(), POLLIN, kPatienceMs)) throw std::runtime_error("nobody connects");
  return Peer(base::UniqueFd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

bool Acceptor::quiet() const {
  return !ready(socket_.get(), POLLIN, 0);
}

}  // namespace gracevisor::test
