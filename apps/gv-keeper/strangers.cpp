#include "strangers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gracevisor::keeper {
namespace {

// So many at a time: whoever leaves orphans without end must not keep the keeper from its daemon.
constexpr int kMostAtOnce = 1000;

bool reap_if_ended(pid_t pid) {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG) == 0 && ended.si_pid == pid;
}

// Numbers that arrive in pieces, each followed by a space.
class Numbers {
 public:
  template <class Each>
  void take(const char* bytes, ssize_t size, Each each) {
    for (ssize_t i = 0; i < size; ++i) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        number_ = number_ * 10 + (bytes[i] - '0');
      } else {
        if (number_ > 0) each(number_);
        number_ = 0;
      }
    }
  }

 private:
  pid_t number_ = 0;
};

// The fourth field of /proc/PID/stat, behind a name that may hold anything; 0 when it is gone.
pid_t parent_of(pid_t pid) {
  char text[512];
  (void)std::snprintf(text, sizeof text, "/proc/%d/stat", pid);
  const int fd = ::open(text, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t size = ::read(fd, text, sizeof text - 1);
  (void)::close(fd);
  text[size > 0 ? size : 0] = '\0';
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && std::strlen(name_end) > 4 ? std::atoi(name_end + 4) : 0;
}

// Calls `each` with the children as long as it returns true. False: there is no such list, or it cannot be
// read.
template <class Each>
bool for_each_child(Each each) {
  const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  Numbers numbers;
  bool more = true;
  char bytes[4096];
  ssize_t size = 0;
  while (more && (size = ::read(fd, bytes, sizeof bytes)) > 0) {
    numbers.take(bytes, size, [&](pid_t pid) { more = more && each(pid); });
  }
  (void)::close(fd);
  return size >= 0;
}

}  // namespace

bool has_strangers(Known known) {
  bool found = false;
  return !for_each_child([&](pid_t pid) {
    found = !known(pid);
    return !found;
  }) || found;
}

int reap_listed(Known known) {
  int reaped = 0;
  const bool listed = for_each_child([&](pid_t pid) {
    reaped += !known(pid) && reap_if_ended(pid) ? 1 : 0;
    return reaped < kMostAtOnce;
  });
  return listed ? reaped : -1;
}

int reap_found(Known known) {
  const int fd = ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return 0;
  const pid_t self = ::getpid();
  int reaped = 0;
  alignas(dirent64) char bytes[4096];
  for (long size = 0; (size = ::syscall(SYS_getdents64, fd, bytes, sizeof bytes)) > 0;) {
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(bytes + at);
      at += entry->d_reclen;
      const pid_t pid = std::atoi(entry->d_name);
      if (pid > 0 && parent_of(pid) == self && !known(pid) && reap_if_ended(pid)) ++reaped;
    }
  }
  (void)::close(fd);
  return reaped;
}

bool reap_strangers(Known known) {
  for (int reaped = 0; reaped < kMostAtOnce; ++reaped) {
    siginfo_t first{};
    if (::waitid(P_ALL, 0, &first, WEXITED | WNOHANG | WNOWAIT) != 0 || first.si_pid == 0) return false;
    if (known(first.si_pid)) {
      const int listed = reap_listed(known);
      return (listed < 0 ? reap_found(known) : listed) > 0;
    }
    if (!reap_if_ended(first.si_pid)) return false;
  }
  return true;
}

}  // namespace gracevisor::keeper
