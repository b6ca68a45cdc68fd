// gv-keeper: the parent of gracevisord and of all its apps, which holds what must outlive a daemon.
//   gv-keeper -- PROGRAM [ARGUMENT...]
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "keeper.h"
#include "log.h"
#include "spawn/protocol.h"

namespace {

using namespace gracevisor::keeper;  // NOLINT(google-build-using-namespace): one program, one subject

constexpr int kUsage = 2;
constexpr std::size_t kMostArguments = 500;
constexpr std::size_t kMostVariables = 4000;

// 0, 1 and 2 are open, so that nothing else gets these numbers; what else was inherited is nobody's business.
bool settle_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO;) {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
  }
  return ::close_range(STDERR_FILENO + 1, ~0U, 0) == 0;
}

bool begins(const char* entry, const char* name) {
  const std::size_t length = std::strlen(name);
  return std::strncmp(entry, name, length) == 0 && entry[length] == '=';
}

// The keeper's own, without what is addressed to it alone, behind an entry for daemons. False: too many.
bool make_environment(char* (&into)[kMostVariables], char* first) {
  std::size_t count = 0;
  into[count++] = first;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (begins(*entry, kSocketVariable) || begins(*entry, "NOTIFY_SOCKET") ||
        begins(*entry, "WATCHDOG_USEC") || begins(*entry, "WATCHDOG_PID"))
      continue;
    if (count == kMostVariables - 1) return false;
    into[count++] = *entry;
  }
  into[count] = nullptr;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  static constinit Children children;
  static constinit Names names;
  static constinit Keeper keeper(children, names);
  static char* words[kMostArguments + DaemonProgram::kMostWords + 1];
  static char* environment[kMostVariables];
  static char socket_entry[32];

  if (argc < 3 || std::strcmp(argv[1], "--") != 0) {
    say("gracevisord starts this program; by hand: gv-keeper -- PROGRAM [ARGUMENT...]");
    return kUsage;
  }
  const auto count = static_cast<std::size_t>(argc) - 2;
  (void)std::snprintf(socket_entry, sizeof socket_entry, "%s=%d", kSocketVariable, kSocketFd);
  if (count > kMostArguments || !make_environment(environment, socket_entry)) {
    say("too many arguments or variables");
    return kUsage;
  }
  for (std::size_t i = 0; i < count; ++i) words[i] = argv[i + 2];
  if (!settle_descriptors()) {
    say("cannot set up its descriptors: %s", std::strerror(errno));
    return 1;
  }
  const int file = ::open(words[0], O_PATH | O_CLOEXEC);
  if (file < 0) {
    say("cannot open %s: %s", words[0], std::strerror(errno));
    return 1;
  }
  return keeper.run({file, words, count, environment, environment + 1});
}
