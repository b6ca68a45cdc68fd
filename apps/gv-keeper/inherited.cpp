#include "inherited.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "log.h"

namespace gracevisor::keeper {
namespace {

constexpr const char* kOomScore = "/proc/self/oom_score_adj";

// 0, or the errno.
int write_oom_score(const char* score) {
  const int fd = ::open(kOomScore, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t size = ::write(fd, score, std::strlen(score));
  const int error = size < 0 ? errno : 0;
  (void)::close(fd);
  return error;
}

// Without /proc, or without a score, there is nothing to give back.
void read_oom_score(char* into, std::size_t room) {
  const int fd = ::open(kOomScore, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  const ssize_t size = ::read(fd, into, room - 1);
  into[size > 0 ? size : 0] = '\0';
  (void)::close(fd);
}

bool keep_zombies() {
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  plain.sa_flags = SA_NOCLDSTOP;
  return ::sigaction(SIGCHLD, &plain, nullptr) == 0;
}

}  // namespace

bool Inherited::take_over() {
  sigset_t every;
  (void)::sigfillset(&every);
  if (::sigprocmask(SIG_SETMASK, &every, &mask_) != 0 || !keep_zombies()) {
    say("cannot set up signals: %s", std::strerror(errno));
    return false;
  }
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    say("cannot become the parent of orphans: %s", std::strerror(errno));
    return false;
  }
  if (::getrlimit(RLIMIT_NOFILE, &files_) != 0) {
    say("cannot read the limit of open files: %s", std::strerror(errno));
    return false;
  }
  umask_ = ::umask(077);
  errno = 0;
  nice_ = ::getpriority(PRIO_PROCESS, 0);
  // Each may be refused to it: then it holds less, and dies like any other process.
  rlimit raised{files_.rlim_max, files_.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) != 0)
    say("the limit of open files stays: %s", std::strerror(errno));
  read_oom_score(oom_score_, sizeof oom_score_);
  if (oom_score_[0] != '\0' && write_oom_score("-1000") != 0) oom_score_[0] = '\0';
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) say("it stays dumpable: %s", std::strerror(errno));
  return true;
}

// The score of a process that is not dumpable is root's to write.
bool Inherited::needs_dumpable() const {
  return oom_score_[0] != '\0' && ::geteuid() != 0;
}

void Inherited::take_back() const {
  if (needs_dumpable()) (void)::prctl(PR_SET_DUMPABLE, 0);
}

int Inherited::give_back() const {
  if (needs_dumpable() && ::prctl(PR_SET_DUMPABLE, 1) != 0) return errno;
  if (oom_score_[0] != '\0') {
    if (const int error = write_oom_score(oom_score_); error != 0) return error;
  }
  if (::setrlimit(RLIMIT_NOFILE, &files_) != 0) return errno;
  (void)::umask(umask_);
  // The keeper does not change its own; someone else may have, and may be the only one to undo it.
  errno = 0;
  if (::getpriority(PRIO_PROCESS, 0) != nice_ && errno == 0) (void)::setpriority(PRIO_PROCESS, 0, nice_);
  return ::sigprocmask(SIG_SETMASK, &mask_, nullptr) != 0 ? errno : 0;
}

}  // namespace gracevisor::keeper
