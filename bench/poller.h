// Level-triggered epoll for the benchmark's own programs: a descriptor's watcher is called when it is ready.
// There is nothing between them and the kernel, so they cost next to nothing. Thread: one per Poller.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::bench {

class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  virtual ~Watcher() = default;
  virtual void ready(std::uint32_t events) = 0;
};

class Poller {
 public:
  Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
  void add(int fd, std::uint32_t events, Watcher& watcher) { control(EPOLL_CTL_ADD, fd, events, watcher); }
  void change(int fd, std::uint32_t events, Watcher& watcher) { control(EPOLL_CTL_MOD, fd, events, watcher); }

  // Waits once and calls the watchers that are ready. A watcher may be destroyed only while no call is in
  // progress.
  void turn() {
    std::array<epoll_event, 256> ready{};
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()), -1);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = ready.at(static_cast<std::size_t>(i));
      static_cast<Watcher*>(event.data.ptr)->ready(event.events);
    }
  }

 private:
  void control(int what, int fd, std::uint32_t events, Watcher& watcher) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &watcher;
    if (::epoll_ctl(epoll_.get(), what, fd, &event) != 0)
      throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }

  base::UniqueFd epoll_;
};

// The address given to a benchmark program with --NAME; throws if it is not one.
inline base::Address address_option(const std::string& name, const std::string& text) {
  auto address = base::Address::parse(text);
  if (!address) throw std::runtime_error("--" + name + ": " + address.error().what);
  return *address;
}

// SIGTERM ends the program at once, and a peer that has left raises no signal.
inline void take_signals_plainly() {
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR || std::signal(SIGTERM, SIG_DFL) == SIG_ERR)
    throw std::system_error(errno, std::generic_category(), "signal");
}

}  // namespace gracevisor::bench
