#include "gvctl/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::gvctl {

Output::Output(int descriptor) : descriptor_(descriptor), terminal_(::isatty(descriptor) == 1) {}

bool Output::write(std::string_view text) {
  while (good() && !text.empty()) {
    ssize_t count = ::write(descriptor_, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Another process has made the terminal or pipe that we share non-blocking.
      pollfd room{descriptor_, POLLOUT, 0};
      if (::poll(&room, 1, -1) < 0 && errno != EINTR) failure_ = errno;
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  return good();
}

}  // namespace gracevisor::gvctl
