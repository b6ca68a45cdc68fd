// The keeper is the service's main process, so it alone speaks to the service manager (sd_notify(3)), for the
// daemon too. Thread: the keeper's only one.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>

namespace gracevisor::keeper {

class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET and WATCHDOG_USEC.
  void find();
  // 0, or the errno; without a service manager there is nothing to do.
  [[nodiscard]] int tell(const char* text) const;
  // How often it wants a sign of life; 0: never.
  [[nodiscard]] std::chrono::milliseconds watchdog() const { return watchdog_; }

 private:
  int socket_ = -1;
  sockaddr_un address_{};
  socklen_t size_ = 0;
  std::chrono::milliseconds watchdog_{};
};

}  // namespace gracevisor::keeper
