// Level-triggered epoll for the benchmark's own programs: what watches a descriptor is called when it is
// ready. Nothing between them and the kernel, so that they cost next to nothing. Thread: one per Poller.
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

  // Waits once and calls whoever is ready. A watcher may go away only while no call is under way.
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

// What a program of the benchmark is told with --NAME; throws where it is no address.
inline base::Address address_option(const std::string& name, const std::string& text) {
  auto address = base::Address::parse(text);
  if (!address) throw std::runtime_error("--" + name + ": " + address.error().what);
  return *address;
}

// SIGTERM ends the program where it stands, and a peer that has left is no signal.
inline void take_signals_plainly() {
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR || std::signal(SIGTERM, SIG_DFL) == SIG_ERR)
    throw std::system_error(errno, std::generic_category(), "signal");
}

}  // namespace gracevisor::bench
