#include "support/local_parent.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "process/pidfd.h"

namespace gracevisor::process::testing {
namespace {

constexpr base::Duration kLook = std::chrono::milliseconds(5);

spawn::ExitStatus as_status(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return spawn::Exited{info.si_status, 0};
  return spawn::Signaled{info.si_status, info.si_code == CLD_DUMPED};
}

}  // namespace

LocalParent::LocalParent(loop::Loop& loop, const spawn::Launcher& launcher)
    : loop_(loop),
      launcher_(launcher),
      next_turn_(loop, [this] { tell_started(); }),
      orphans_timer_(loop, [this] { reap_orphans(); }) {}

pid_t LocalParent::pid() const {
  return ::getpid();
}

void LocalParent::spawn(ChildOrder order, ChildWatcher& watcher) {
  next_turn_.ask();
  auto pid = launcher_.start(order.fds);
  if (!pid) {
    started_.insert_or_assign(&watcher, std::unexpected(pid.error()));
    return;
  }
  auto pidfd = open_pidfd(*pid);
  started_.insert_or_assign(&watcher, Spawned{*pid, pidfd ? std::move(*pidfd) : base::UniqueFd()});
}

void LocalParent::tell_started() {
  for (auto& [watcher, started] : std::exchange(started_, {})) {
    if (started) watch(started->pid, std::nullopt, *watcher);
    watcher->on_started(std::move(started));
  }
}

void LocalParent::watch(pid_t child, const std::optional<spawn::ExitStatus>& /*ended*/,
                        ChildWatcher& watcher) {
  Child& row = children_[child];
  row.watcher = &watcher;
  auto pidfd = open_pidfd(child);
  REQUIRE(pidfd.has_value());
  row.pidfd = std::move(*pidfd);
  auto ended = loop::FdWatch::create(loop_, row.pidfd.get(), loop::FdWatch::Interest::readable,
                                     [this, child] { on_ended(child); });
  REQUIRE(ended.has_value());
  row.ended = std::move(*ended);
}

void LocalParent::on_ended(pid_t child) {
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0);
  if (info.si_pid != child) return;
  const auto row = children_.extract(child);
  row.mapped().ended.reset();
  row.mapped().watcher->on_ended({as_status(info)});
}

void LocalParent::forget(ChildWatcher& watcher) {
  started_.erase(&watcher);
  std::erase_if(children_, [&](const auto& child) { return child.second.watcher == &watcher; });
}

void LocalParent::reap(pid_t child) {
  siginfo_t info{};
  CHECK(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) == 0);
  groups_.insert(child);
  orphans_timer_.start(kLook);
}

void LocalParent::reap_orphans() {
  for (const pid_t group : groups_) {
    siginfo_t info{};
    // A process with the leader's number is a later child.
    while (::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0 && info.si_pid != group) {
      if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG) != 0) break;
    }
  }
  std::erase_if(groups_, [](pid_t group) { return ::kill(-group, 0) != 0 && errno == ESRCH; });
  if (!groups_.empty()) orphans_timer_.start(kLook);
}

}  // namespace gracevisor::process::testing
