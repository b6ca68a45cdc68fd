#include "process/orphan_reaper.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace gracevisor::process {
namespace {
constexpr base::Duration kEvery = std::chrono::seconds(5);
constexpr int kPerPass = 256;
}  // namespace

OrphanReaper::OrphanReaper(loop::Loop& loop, std::function<bool(base::Pid)> is_own)
    : is_own_(std::move(is_own)), timer_(loop, [this] { reap(); }) {}

base::Expected<std::unique_ptr<OrphanReaper>> OrphanReaper::create(loop::Loop& loop,
                                                                   std::function<bool(base::Pid)> is_own) {
  std::unique_ptr<OrphanReaper> reaper(new OrphanReaper(loop, std::move(is_own)));
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return base::fail_errno("cannot become a subreaper", errno);
  auto signals = loop::Signals::create(loop, {SIGCHLD}, [r = reaper.get()](int /*number*/) { r->reap(); });
  if (!signals) return std::unexpected(signals.error());
  reaper->signals_ = std::move(*signals);
  reaper->timer_.start(kEvery);
  return reaper;
}

void OrphanReaper::reap() {
  for (int i = 0; i < kPerPass; ++i) {
    siginfo_t info{};
    // Peek: who is it? A zombie of our own hides the others until its pidfd was handled; the next pass gets
    // them.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
    if (is_own_(base::Pid(info.si_pid))) break;
    if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG) != 0) break;
  }
  timer_.start(kEvery);
}

}  // namespace gracevisor::process
