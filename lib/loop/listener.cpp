#include "loop/listener.h"

#include <sys/socket.h>

#include <cerrno>

namespace gracevisor::loop {
namespace {
constexpr int kAcceptsPerTurn = 16;
constexpr int kAcceptsAtClose = 65536;
constexpr base::Millis kBackOff{100};
}  // namespace

Listener::Listener(Loop& loop, base::UniqueFd socket, OnAccepted on_accepted)
    : socket_(std::move(socket)), on_accepted_(std::move(on_accepted)), back_off_(loop, [this] {
        // A failure leaves the listener deaf until the next back-off; resume fails only without memory.
        if (!watch_->resume()) back_off_.start(kBackOff);
      }) {}

base::Expected<std::unique_ptr<Listener>> Listener::create(Loop& loop, base::UniqueFd socket,
                                                           OnAccepted on_accepted) {
  std::unique_ptr<Listener> listener(new Listener(loop, std::move(socket), std::move(on_accepted)));
  auto watch = FdWatch::create(loop, listener->socket_.get(), FdWatch::Interest::readable,
                               [l = listener.get()] { l->accept_some(kAcceptsPerTurn); });
  if (!watch) return std::unexpected(watch.error());
  listener->watch_ = std::move(*watch);
  return listener;
}

void Listener::accept_all() {
  accept_some(kAcceptsAtClose);
}

void Listener::accept_some(int limit) {
  for (int i = 0; i < limit; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    base::UniqueFd socket(::accept4(socket_.get(), address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      on_accepted_({std::move(socket), base::Address::from_sockaddr(address, length)});
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      watch_->pause();
      back_off_.start(kBackOff);
      return;
    }
    if (errno == EAGAIN) return;
    // Anything else (ECONNABORTED, EINTR, network errors of the new connection) concerns one connection
    // alone.
  }
}

}  // namespace gracevisor::loop
