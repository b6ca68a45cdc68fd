#include "log.h"

#include <poll.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace gracevisor::keeper {

void say(const char* format, ...) {
  char line[512] = "gv-keeper: ";
  const std::size_t begin = std::strlen(line);
  va_list values;
  va_start(values, format);
  int size = std::vsnprintf(line + begin, sizeof line - begin - 1, format, values);
  va_end(values);
  if (size < 0) return;
  const std::size_t end = std::strlen(line);
  line[end] = '\n';
  // A pipe with room for PIPE_BUF takes a line whole.
  pollfd room{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0) (void)!::write(STDERR_FILENO, line, end + 1);
}

LifeText::LifeText(pid_t pid, const Ending& ending, Millis ran) {
  const auto seconds = static_cast<int>(ran.count() / 1000);
  const auto rest = static_cast<int>(ran.count() % 1000);
  if (ending.how == How::exited) {
    (void)std::snprintf(text, sizeof text, "the daemon (pid %d) exited with %d after %d.%03d s", pid,
                        ending.number, seconds, rest);
    return;
  }
  const char* name = ::sigabbrev_np(ending.number);
  (void)std::snprintf(text, sizeof text, "the daemon (pid %d) was ended by signal %d (%s)%s after %d.%03d s",
                      pid, ending.number, name != nullptr ? name : "unnamed",
                      ending.how == How::dumped ? ", core dumped," : "", seconds, rest);
}

}  // namespace gracevisor::keeper
