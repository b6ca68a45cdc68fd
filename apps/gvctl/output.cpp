#include "gvctl/output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>

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

bool Output::rewrites() const {
  const char* term = std::getenv("TERM");
  return terminal_ && term != nullptr && std::string_view(term) != "dumb" && *term != '\0';
}

std::optional<std::size_t> Output::width() const {
  winsize size{};
  if (terminal_ && ::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  if (columns == nullptr) return std::nullopt;
  const std::string_view text = columns;
  std::size_t width = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), width);
  const bool whole = code == std::errc() && end == text.data() + text.size() && width > 0;
  return whole ? std::optional(width) : std::nullopt;
}

std::optional<std::size_t> Output::height() const {
  winsize size{};
  if (!terminal_ || ::ioctl(descriptor_, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return std::nullopt;
  return size.ws_row;
}

}  // namespace gracevisor::gvctl
