#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <cstddef>
#include <type_traits>

#include "support/counting.h"

namespace gracevisor::test {
namespace {

struct Counts {
  std::atomic<std::size_t> reads{0}, writes{0}, waits{0}, epoll_changes{0}, others{0};
};
// A global, because the C library's functions have no place for an argument.
Counts counts;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

template <class T>
long as_long([[maybe_unused]] T argument) noexcept {
  if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(argument);
  } else {
    return static_cast<long>(argument);
  }
}

template <class... Arguments>
long call(std::atomic<std::size_t>& counter, long number, Arguments... arguments) noexcept {
  if (counted()) counter.fetch_add(1, std::memory_order_relaxed);
  return ::syscall(number, as_long(arguments)...);
}

template <class... Arguments>
int call_int(std::atomic<std::size_t>& counter, long number, Arguments... arguments) noexcept {
  return static_cast<int>(call(counter, number, arguments...));
}

}  // namespace

SystemCalls system_calls() noexcept {
  return {counts.reads.load(), counts.writes.load(), counts.waits.load(), counts.epoll_changes.load(),
          counts.others.load()};
}

extern "C" {

ssize_t read(int fd, void* to, std::size_t size) {
  return call(counts.reads, SYS_read, fd, to, size);
}
ssize_t readv(int fd, const iovec* to, int count) {
  return call(counts.reads, SYS_readv, fd, to, count);
}
ssize_t recv(int fd, void* to, std::size_t size, int flags) {
  return call(counts.reads, SYS_recvfrom, fd, to, size, flags, nullptr, nullptr);
}
ssize_t recvfrom(int fd, void* to, std::size_t size, int flags, sockaddr* from, socklen_t* length) {
  return call(counts.reads, SYS_recvfrom, fd, to, size, flags, from, length);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return call(counts.reads, SYS_recvmsg, fd, message, flags);
}

ssize_t write(int fd, const void* from, std::size_t size) {
  return call(counts.writes, SYS_write, fd, from, size);
}
ssize_t writev(int fd, const iovec* from, int count) {
  return call(counts.writes, SYS_writev, fd, from, count);
}
ssize_t send(int fd, const void* from, std::size_t size, int flags) {
  return call(counts.writes, SYS_sendto, fd, from, size, flags, nullptr, 0);
}
ssize_t sendto(int fd, const void* from, std::size_t size, int flags, const sockaddr* to, socklen_t length) {
  return call(counts.writes, SYS_sendto, fd, from, size, flags, to, length);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return call(counts.writes, SYS_sendmsg, fd, message, flags);
}

int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  return call_int(counts.waits, SYS_epoll_pwait, fd, events, most, timeout, nullptr, 0);
}
int epoll_pwait(int fd, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  constexpr int kMaskSize = _NSIG / 8;
  return call_int(counts.waits, SYS_epoll_pwait, fd, events, most, timeout, mask, kMaskSize);
}
int poll(pollfd* fds, nfds_t count, int timeout) {
  timespec until{.tv_sec = timeout / 1000, .tv_nsec = static_cast<long>(timeout % 1000) * 1'000'000};
  return call_int(counts.waits, SYS_ppoll, fds, count, timeout < 0 ? nullptr : &until, nullptr, 0);
}
int epoll_ctl(int fd, int operation, int of, epoll_event* event) noexcept {
  return call_int(counts.epoll_changes, SYS_epoll_ctl, fd, operation, of, event);
}

int socket(int family, int type, int protocol) noexcept {
  return call_int(counts.others, SYS_socket, family, type, protocol);
}
int connect(int fd, const sockaddr* address, socklen_t length) {
  return call_int(counts.others, SYS_connect, fd, address, length);
}
int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  return call_int(counts.others, SYS_accept4, fd, address, length, flags);
}
int shutdown(int fd, int how) noexcept {
  return call_int(counts.others, SYS_shutdown, fd, how);
}
int close(int fd) {
  return call_int(counts.others, SYS_close, fd);
}
int getsockopt(int fd, int level, int option, void* value, socklen_t* length) noexcept {
  return call_int(counts.others, SYS_getsockopt, fd, level, option, value, length);
}
int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept {
  return call_int(counts.others, SYS_setsockopt, fd, level, option, value, length);
}
int getsockname(int fd, sockaddr* address, socklen_t* length) noexcept {
  return call_int(counts.others, SYS_getsockname, fd, address, length);
}
int getpeername(int fd, sockaddr* address, socklen_t* length) noexcept {
  return call_int(counts.others, SYS_getpeername, fd, address, length);
}
int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return call_int(counts.others, SYS_ioctl, fd, request, argument);
}
int fcntl64(int fd, int operation, ...) {
  va_list rest;
  va_start(rest, operation);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return call_int(counts.others, SYS_fcntl, fd, operation, argument);
}
int fcntl(int fd, int operation, ...) {
  va_list rest;
  va_start(rest, operation);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  return call_int(counts.others, SYS_fcntl, fd, operation, argument);
}

}  // extern "C"

}  // namespace gracevisor::test
