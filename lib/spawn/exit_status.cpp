#include "spawn/exit_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/shortage.h"

namespace gracevisor::spawn {
namespace {

std::string_view stage_text(SpawnStage stage) {
  switch (stage) {
    case SpawnStage::plan: return "cannot read the spawn plan";
    case SpawnStage::setsid: return "cannot begin a session";
    case SpawnStage::signals: return "cannot reset the signals";
    case SpawnStage::fds: return "cannot set up the descriptors";
    case SpawnStage::rlimits: return "cannot set the resource limits";
    case SpawnStage::groups: return "cannot set the supplementary groups";
    case SpawnStage::gid: return "cannot change the group";
    case SpawnStage::uid: return "cannot change the user";
    case SpawnStage::chdir: return "cannot enter the directory";
    case SpawnStage::nnp: return "cannot give up new privileges";
    case SpawnStage::exec: return "cannot execute";
    case SpawnStage::endpoint: return "cannot give it an address";
    case SpawnStage::pipe: return "cannot make the pipes of a process";
    case SpawnStage::memfd: return "cannot hand over the spawn plan";
    case SpawnStage::spawn: return "cannot start the spawn helper";
    case SpawnStage::pidfd: return "cannot watch the process";
    case SpawnStage::timeout: return "the spawn helper took too long";
    case SpawnStage::crashed: return "the spawn helper died";
    case SpawnStage::keeper: return "the keeper cannot start it";
    case SpawnStage::oom_score_adj: return "cannot set limits.oom_score_adj";
    case SpawnStage::nice: return "cannot set limits.nice";
    case SpawnStage::io_class: return "cannot set limits.io_class";
    case SpawnStage::nofile: return "cannot set limits.nofile";
    case SpawnStage::nproc: return "cannot set limits.nproc";
    case SpawnStage::core: return "cannot set limits.core";
    case SpawnStage::read_only: return "cannot make the paths of read_only read-only";
    case SpawnStage::private_tmp: return "cannot make a private_tmp";
    case SpawnStage::capabilities: return "cannot keep the capabilities";
    case SpawnStage::cgroup: return "cannot enter its cgroup";
    case SpawnStage::memory: return "cannot set limits.memory";
    case SpawnStage::tasks: return "cannot set limits.tasks";
    case SpawnStage::cpu: return "cannot set limits.cpu";
  }
  return "cannot start";
}

std::string text_of(const Exited& exited) {
  if (exited.left == 0) return fmt::format("exit {}", exited.code);
  return fmt::format("exit {} with {} {} left: the command must stay in the foreground{}", exited.code,
                     exited.left, exited.left == 1 ? "process" : "processes",
                     " (gunicorn: no --daemon; nginx: daemon off)");
}

std::string text_of(const Signaled& signaled) {
  const char* name = ::sigabbrev_np(signaled.signal);  // null for real-time signals
  std::string line = fmt::format("signal {}", signaled.signal);
  if (name != nullptr) line += fmt::format(" ({})", name);
  if (signaled.core) line += ", core dumped";
  if (signaled.out_of_memory) line += ", by the kernel: out of memory";
  return line;
}

std::string text_of(const SpawnFailed& failed) {
  std::string line(stage_text(failed.stage));
  // For a dead helper the code is its own exit status, as a shell counts it, not an errno.
  if (failed.stage == SpawnStage::crashed) return line + fmt::format(" (status {})", failed.code);
  if (!failed.why.empty()) return line + ": " + failed.why;
  if (failed.code != 0) line += ": " + base::errno_text(failed.code);
  return line;
}

std::string text_of(const Unknown& /*unknown*/) {
  return "the keeper is gone: how it ended is unknown";
}

std::string text_of(const StartTimedOut& late) {
  return fmt::format("not healthy within {:.1f} s", std::chrono::duration<double>(late.time).count());
}

}  // namespace

std::string text(const ExitStatus& status) {
  return std::visit([](const auto& how) { return text_of(how); }, status);
}

bool own_shortage(const ExitStatus& status) {
  const auto* failed = std::get_if<SpawnFailed>(&status);
  if (failed == nullptr) return false;
  switch (failed->stage) {
    // Ports and folders are the daemon's responsibility, whatever is wrong with them.
    case SpawnStage::endpoint: return true;
    case SpawnStage::pipe:
    case SpawnStage::memfd:
    case SpawnStage::pidfd: return base::is_shortage(failed->code);
    // EAGAIN: no more processes may be created.
    case SpawnStage::spawn: return base::is_shortage(failed->code) || failed->code == EAGAIN;
    case SpawnStage::keeper: return true;
    case SpawnStage::plan:
    case SpawnStage::setsid:
    case SpawnStage::signals:
    case SpawnStage::fds:
    case SpawnStage::rlimits:
    case SpawnStage::groups:
    case SpawnStage::gid:
    case SpawnStage::uid:
    case SpawnStage::chdir:
    case SpawnStage::nnp:
    case SpawnStage::exec:
    case SpawnStage::timeout:
    case SpawnStage::crashed:
    case SpawnStage::oom_score_adj:
    case SpawnStage::nice:
    case SpawnStage::io_class:
    case SpawnStage::nofile:
    case SpawnStage::nproc:
    case SpawnStage::core:
    case SpawnStage::read_only:
    case SpawnStage::private_tmp:
    case SpawnStage::capabilities: return false;
    // Cgroups use memory, and there may be too many of them.
    case SpawnStage::cgroup:
      return base::is_shortage(failed->code) || failed->code == EAGAIN || failed->code == ENOSPC;
    // The shell that has started the daemon may be where it cannot be divided yet.
    case SpawnStage::memory:
    case SpawnStage::tasks:
    case SpawnStage::cpu: return failed->code == EBUSY;
  }
  return false;
}

bool clean(const ExitStatus& status, std::span<const int> success) {
  if (const auto* exited = std::get_if<Exited>(&status)) {
    return std::find(success.begin(), success.end(), exited->code) != success.end();
  }
  if (const auto* signaled = std::get_if<Signaled>(&status)) {
    constexpr std::array kClean = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
    return std::find(kClean.begin(), kClean.end(), signaled->signal) != kClean.end();
  }
  return false;
}

}  // namespace gracevisor::spawn
