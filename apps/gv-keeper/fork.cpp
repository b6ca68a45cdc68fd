#include "fork.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keeper/protocol.h"
#include "log.h"

namespace gracevisor::keeper {
namespace {

// Above every number that a child is given, so that no source is overwritten before it is placed.
constexpr int kLowestSource = kMostDescriptors;

// The errno of what failed; does not return otherwise.
int become(const Program& program, const Inherited& inherited) {
  const int file = ::fcntl(program.file, F_DUPFD_CLOEXEC, kLowestSource);
  if (file < 0) return errno;
  int sources[kMostDescriptors];
  for (std::size_t i = 0; i < program.count; ++i) {
    if (program.descriptors[i] < 0) continue;
    sources[i] = ::fcntl(program.descriptors[i], F_DUPFD_CLOEXEC, kLowestSource);
    if (sources[i] < 0) return errno;
  }
  for (std::size_t i = 0; i < program.count; ++i) {
    if (program.descriptors[i] >= 0 && ::dup2(sources[i], static_cast<int>(i)) < 0) return errno;
  }
  if (program.session ? ::setsid() < 0 : ::setpgid(0, 0) != 0) return errno;
  if (const int error = inherited.give_back(); error != 0) return error;
  (void)::syscall(SYS_execveat, file, "", program.argv, program.environment, AT_EMPTY_PATH);
  return errno;
}

}  // namespace

bool Forker::prepare() {
  void* page = ::mmap(nullptr, sizeof *error_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    say("no memory: %s", std::strerror(errno));
    return false;
  }
  error_ = static_cast<int*>(page);
  return true;
}

// A fork that gives the pidfd in the same step, and waits for the exec. The child has memory of its own, so
// that nothing it sets (not being dumpable belongs to the memory) reaches the keeper.
Forked Forker::start(const Program& program, const Inherited& inherited) {
  *error_ = 0;
  int pidfd = -1;
  const long pid =
      ::syscall(SYS_clone, CLONE_PIDFD | CLONE_VFORK | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) return {-1, -1, errno};
  if (pid == 0) {
    *error_ = become(program, inherited);
    ::_exit(127);
  }
  if (*error_ == 0) return {static_cast<pid_t>(pid), pidfd, 0};
  siginfo_t ended{};
  (void)::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED);
  (void)::close(pidfd);
  return {-1, -1, *error_};
}

}  // namespace gracevisor::keeper
