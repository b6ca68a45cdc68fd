#include "base/standard_error.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace gracevisor::base {
namespace {

// A pipe that poll() reports as writable takes this much without blocking.
constexpr std::size_t kPiece = PIPE_BUF;

}  // namespace

StandardError::StandardError(int fd) : fd_(fd) {
  struct stat st{};
  if (::fstat(fd, &st) != 0) return;
  socket_ = S_ISSOCK(st.st_mode);
  waits_ = S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode);
  if (!waits_) return;
  // If it cannot be reopened, poll() and small pieces must suffice.
  own_.reset(::open(fmt::format("/proc/self/fd/{}", fd).c_str(),
                    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

ssize_t StandardError::write_some(std::string_view text) const {
  if (socket_) return ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (own_) return ::write(own_.get(), text.data(), text.size());
  return ::write(fd_, text.data(), waits_ ? std::min(text.size(), kPiece) : text.size());
}

StandardError::Result StandardError::write(std::string_view& text, Duration patience) {
  using std::chrono::steady_clock;
  if (fd_ < 0) return Result::broken;
  auto deadline = steady_clock::now() + patience;
  while (!text.empty()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd writable{fd_, POLLOUT, 0};
    int ready = ::poll(&writable, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
    if (ready < 0 && errno != EINTR) return Result::broken;
    ssize_t n = ready > 0 ? write_some(text) : -1;
    if (ready > 0 && n < 0 && errno != EINTR && errno != EAGAIN) return Result::broken;
    if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    if (!text.empty() && steady_clock::now() >= deadline) return Result::stuck;
  }
  return Result::done;
}

void say_on_standard_error(std::string_view text, Duration patience) {
  StandardError out;
  (void)out.write(text, patience);
}

}  // namespace gracevisor::base
