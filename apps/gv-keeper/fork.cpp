#include "fork.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "keeper/protocol.h"

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

// Passed to the child, which shares the keeper's memory until it executes the program.
struct Start {
  const Program& program;
  const Inherited& inherited;
  int error = 0;
};

int in_child(void* given) {
  Start& start = *static_cast<Start*>(given);
  start.error = become(start.program, start.inherited);
  return 127;  // clone() ends the child with it
}

}  // namespace

// As posix_spawn() does it: the child runs on a stack of its own in the keeper's memory while the keeper
// waits, which costs half of what a fork would; and it gives the pidfd in the same step.
Forked start_program(const Program& program, const Inherited& inherited) {
  alignas(64) static char stack[64 * 1024];
  Start start{program, inherited};
  int pidfd = -1;
  const int pid =
      ::clone(in_child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &pidfd);
  if (pid < 0) return {-1, -1, errno};
  inherited.take_back();
  if (start.error == 0) return {pid, pidfd, 0};
  siginfo_t ended{};
  (void)::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED);
  (void)::close(pidfd);
  return {-1, -1, start.error};
}

}  // namespace gracevisor::keeper
