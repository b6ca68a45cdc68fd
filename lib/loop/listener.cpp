#include "loop/listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/shortage.h"

namespace gracevisor::loop {
namespace {
constexpr std::uint64_t kMostAcceptsPerTurn = 16;
constexpr std::uint64_t kReadsPerAccept = 4;
constexpr std::uint64_t kAcceptsAtClose = 65536;
constexpr base::Millis kBackOff{100};
}  // namespace

Listener::Listener(Loop& loop, base::UniqueFd socket, OnAccepted on_accepted, OnShort on_short)
    : loop_(loop),
      socket_(std::move(socket)),
      on_accepted_(std::move(on_accepted)),
      on_short_(std::move(on_short)),
      back_off_(loop, [this] {
        // On failure the listener stays paused until the next back-off; resume fails only when out of memory.
        if (!watch_->resume()) back_off_.start(kBackOff);
      }) {}

base::Expected<std::unique_ptr<Listener>> Listener::create(Loop& loop, base::UniqueFd socket,
                                                           OnAccepted on_accepted, OnShort on_short) {
  std::unique_ptr<Listener> listener(
      new Listener(loop, std::move(socket), std::move(on_accepted), std::move(on_short)));
  auto watch = FdWatch::create(loop, listener->socket_.get(), FdWatch::Interest::readable,
                               [l = listener.get()] { l->accept_some(l->limit_of_turn()); });
  if (!watch) return std::unexpected(watch.error());
  listener->watch_ = std::move(*watch);
  return listener;
}

void Listener::accept_all() {
  accept_some(kAcceptsAtClose);
}

std::uint64_t Listener::limit_of_turn() noexcept {
  const std::uint64_t reads = loop_.reads() - std::exchange(reads_seen_, loop_.reads());
  return std::clamp(reads / kReadsPerAccept, std::uint64_t{1}, kMostAcceptsPerTurn);
}

void Listener::accept_some(std::uint64_t limit) {
  for (std::uint64_t i = 0; i < limit;) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    auto* address = reinterpret_cast<sockaddr*>(&peer);
    base::UniqueFd socket(::accept4(socket_.get(), address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      on_accepted_({std::move(socket), base::Address::from_sockaddr(address, length)});
      ++i;
      continue;
    }
    if (base::is_shortage(errno)) {
      if (on_short_ && on_short_(errno)) continue;  // repeats only while there is something to give up
      watch_->pause();
      back_off_.start(kBackOff);
      return;
    }
    if (errno == EAGAIN) return;
    // Anything else (ECONNABORTED, EINTR, network errors of the new connection) affects only that connection.
    ++i;
  }
}

}  // namespace gracevisor::loop
