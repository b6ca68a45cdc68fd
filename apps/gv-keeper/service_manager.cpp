#include "service_manager.h"

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "log.h"

namespace gracevisor::keeper {

void ServiceManager::find() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address_.sun_path) {
    say("NOTIFY_SOCKET is too long");
    return;
  }
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, path, length);
  if (path[0] == '@') address_.sun_path[0] = '\0';
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0) say("cannot reach the service manager: %s", std::strerror(errno));

  const char* pid = std::getenv("WATCHDOG_PID");
  const char* interval = std::getenv("WATCHDOG_USEC");
  if (interval == nullptr || (pid != nullptr && std::atoi(pid) != ::getpid())) return;
  watchdog_ = std::chrono::milliseconds(std::strtoull(interval, nullptr, 10) / 2000);
}

int ServiceManager::tell(const char* text) const {
  if (socket_ < 0) return 0;
  const ssize_t sent = ::sendto(socket_, text, std::strlen(text), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address_), size_);
  return sent < 0 ? errno : 0;
}

}  // namespace gracevisor::keeper
