#include "base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace gracevisor::base {

void UniqueFd::reset(int fd) noexcept {
  // On Linux a close that ends with EINTR has closed it; a retry could close an unrelated descriptor.
  if (fd_ >= 0) (void)::close(fd_);
  fd_ = fd;
}

Expected<UniqueFd> duplicate(int fd, int at_least) {
  int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, at_least);
  if (copy < 0) return fail_errno("cannot duplicate a file descriptor", errno);
  return UniqueFd(copy);
}

Expected<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Expected<void> set_nonblocking(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return fail_errno("cannot make a descriptor non-blocking", errno);
  }
  return {};
}

}  // namespace gracevisor::base
