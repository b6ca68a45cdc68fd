#include "spawn/exec_main.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spawn/cgroup.h"
#include "spawn/drop.h"
#include "spawn/failure.h"
#include "spawn/file_server.h"
#include "spawn/limits.h"
#include "spawn/mounts.h"
#include "spawn/plan_codec.h"
#include "spawn/protocol.h"

// Every result is checked. Order: descriptors, session, signals, cgroup, limits and mounts while still
// privileged, groups, gid, bounding capabilities, uid, capabilities, then the directory as that user (no
// permission is bypassed, and a root-squashed NFS works), no new privileges, the listener moved to its place,
// close-on-exec for everything that leaked, exec.
namespace gracevisor::spawn {
namespace {

Step guard_own_fds() {
  for (int fd : {kPlanFd, kReportFd}) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return failed(SpawnStage::fds);
  }
  return std::nullopt;
}

Step lead_session() {
  if (::getsid(0) == ::getpid()) return std::nullopt;
  return ::setsid() < 0 ? failed(SpawnStage::setsid) : std::nullopt;
}

// Uses the system call: the C library reserves two signals for itself, and the daemon's parent may have
// ignored those too. All zeros is SIG_DFL with no flags, in every layout of the kernel's structure.
Step reset_signals() {
  constexpr std::size_t kKernelSetSize = 8;
  const unsigned long plain[8] = {};
  for (int number = 1; number <= 64; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    if (::syscall(SYS_rt_sigaction, number, plain, nullptr, kKernelSetSize) != 0) {
      return failed(SpawnStage::signals);
    }
  }
  sigset_t none;
  (void)::sigemptyset(&none);
  return ::sigprocmask(SIG_SETMASK, &none, nullptr) != 0 ? failed(SpawnStage::signals) : std::nullopt;
}

Step become(const SpawnPlan& plan) {
  if (!plan.credentials) return std::nullopt;
  const Credentials& who = *plan.credentials;
  if (::geteuid() != 0) {
    // The preflight lets an ordinary user name only itself; it keeps the groups that it has.
    bool same = ::geteuid() == who.uid && ::getegid() == who.gid;
    return same ? std::nullopt : failed(SpawnStage::uid, EPERM);
  }
  // A program may open /dev/stdout by name, which requires owning the pipe. Best effort: most never do. A
  // file (SpawnPlan::out) stays its owner's.
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat is{};
    if (::fstat(fd, &is) == 0 && S_ISFIFO(is.st_mode)) (void)!::fchown(fd, who.uid, who.gid);
  }
  return drop_to(who, plan.capabilities);
}

// The one descriptor that stays open. Blocking, as systemd passes it unless told otherwise (NonBlocking= in
// systemd.service(5)); the mode belongs to the socket, so an earlier incarnation may have changed it.
Step pass_listener(const SpawnPlan& plan) {
  if (plan.listener < 0) return std::nullopt;
  if (::dup2(plan.listener, kPassedListenerFd) < 0) return failed(SpawnStage::fds);
  int flags = ::fcntl(kPassedListenerFd, F_GETFL);
  if (flags < 0 || ::fcntl(kPassedListenerFd, F_SETFL, flags & ~O_NONBLOCK) != 0) {
    return failed(SpawnStage::fds);
  }
  return std::nullopt;
}

// The pid is known only here. Inherited values of these variables are dropped: they would describe a
// descriptor that the program does not have.
void describe_listener(SpawnPlan& plan) {
  if (plan.listener < 0) return;
  std::erase_if(plan.environment, [](const std::string& entry) {
    return entry.starts_with("LISTEN_FDS=") || entry.starts_with("LISTEN_PID=") ||
           entry.starts_with("LISTEN_FDNAMES=");
  });
  plan.environment.push_back("LISTEN_PID=" + std::to_string(::getpid()));
  plan.environment.emplace_back("LISTEN_FDS=1");
  plan.environment.emplace_back("LISTEN_FDNAMES=http");
}

struct CloseFolder {
  void operator()(DIR* folder) const { (void)::closedir(folder); }
};

// For kernels before 5.11.
Step close_later_one_by_one() {
  std::unique_ptr<DIR, CloseFolder> folder(::opendir("/proc/self/fd"));
  if (!folder) return failed(SpawnStage::fds);
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) return errno != 0 ? failed(SpawnStage::fds) : std::nullopt;
    int fd = std::atoi(entry->d_name);  // 0 for the folders "." and ".."
    if (fd > kReportFd && ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return failed(SpawnStage::fds);
  }
}

Step close_leaks_at_exec() {
  constexpr unsigned kCloseOnExec = 1U << 2;  // CLOSE_RANGE_CLOEXEC
  if (::close_range(kReportFd + 1, ~0U, static_cast<int>(kCloseOnExec)) == 0) return std::nullopt;
  return close_later_one_by_one();
}

Step set_up(const SpawnPlan& plan) {
  if (auto step = lead_session()) return step;
  if (auto step = reset_signals()) return step;
  if (auto step = enter_cgroup(plan)) return step;
  if (auto step = set_limits(plan)) return step;
  (void)::umask(plan.umask);
  if (auto step = set_mounts(plan)) return step;
  if (auto step = become(plan)) return step;
  if (plan.trial) return std::nullopt;
  if (::chdir(plan.directory.c_str()) != 0) return failed(SpawnStage::chdir);
  if (plan.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed(SpawnStage::nnp);
  if (auto step = pass_listener(plan)) return step;
  return close_leaks_at_exec();
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  result.reserve(words.size() + 1);
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// Returns only on failure.
SpawnFailed execute(SpawnPlan& plan) {
  auto argv = pointers(plan.argv);
  auto environment = pointers(plan.environment);
  // Without this byte the daemon takes us for dead: better not to run the program than to run it unnoticed.
  if (::write(kReportFd, &kAboutToExec, 1) != 1) return {SpawnStage::exec, errno};
  (void)::execve(plan.program.c_str(), argv.data(), environment.data());
  return {SpawnStage::exec, errno};
}

SpawnFailed run() {
  // Executed through a descriptor, it would have the descriptor's number as its name.
  (void)::prctl(PR_SET_NAME, kHelperName);
  if (auto step = guard_own_fds()) return *step;
  if (holds_file_request(kPlanFd)) serve_file_request();
  auto plan = read_sealed_plan(kPlanFd);
  if (!plan) return {SpawnStage::plan, plan.error().code};
  if (auto step = set_up(*plan)) return *step;
  if (plan->trial) ::_exit(::write(kReportFd, &kAboutToExec, 1) == 1 ? 0 : kHelperFailed);
  describe_listener(*plan);
  return execute(*plan);
}

}  // namespace

int exec_main() {
  SpawnFailed failure = run();
  SpawnRecord record;
  record.stage = static_cast<std::uint16_t>(failure.stage);
  record.code = failure.code;
  if (::write(kReportFd, &record, sizeof record) == sizeof record) return kHelperFailed;
  // No daemon: someone has run this program by hand.
  constexpr std::string_view kLine = "gv-exec: gracevisord starts this program, nobody else can\n";
  (void)!::write(STDERR_FILENO, kLine.data(), kLine.size());
  return kHelperFailed;
}

}  // namespace gracevisor::spawn
