#include "process/local_parent.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "process/pidfd.h"

namespace gracevisor::process {
namespace {

constexpr int kPeek = WEXITED | WNOHANG | WNOWAIT;
constexpr int kReap = WEXITED | WNOHANG;

spawn::ExitStatus as_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return spawn::Exited{info.si_status, 0};
  return spawn::Signaled{info.si_status, info.si_code == CLD_DUMPED};
}

// Nothing else in the daemon waits for this child, and the kernel does not reap it (launcher.cpp checked);
// should that happen after all, it is reported instead of a made-up status.
std::optional<spawn::ExitStatus> wait_for(pid_t child, int how) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child), &info, how) != 0) {
    return spawn::SpawnFailed{spawn::SpawnStage::pidfd, errno};
  }
  if (info.si_pid != child) return std::nullopt;
  return as_status(info);
}

}  // namespace

std::expected<Parent::Spawned, spawn::SpawnFailed> LocalParent::spawn(const spawn::HelperFds& order) {
  // Our own, to know that the kernel has pidfds and that one more descriptor is available.
  auto reserve = open_pidfd(::getpid());
  if (!reserve) return std::unexpected(spawn::SpawnFailed{spawn::SpawnStage::pidfd, reserve.error().code});
  auto pid = launcher_.start(order);
  if (!pid) return std::unexpected(pid.error());
  reserve->reset();
  return Spawned{*pid, open_pidfd(*pid)};
}

std::optional<spawn::ExitStatus> LocalParent::ended(pid_t child) {
  return wait_for(child, kPeek);
}

spawn::ExitStatus LocalParent::reap(pid_t child) {
  return wait_for(child, kReap).value_or(spawn::SpawnFailed{spawn::SpawnStage::pidfd, ECHILD});
}

void LocalParent::reap_orphans(pid_t group) {
  for (;;) {
    siginfo_t info{};
    // A process with the leader's number is a later child, which only its own Life may reap.
    if (::waitid(P_PGID, static_cast<id_t>(group), &info, kPeek) != 0) return;
    if (info.si_pid == 0 || info.si_pid == group) return;
    if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, kReap) != 0) return;
  }
}

}  // namespace gracevisor::process
