#include "supervise/spawn.h"

#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "supervise/process.h"
#include "supervise/spawn_protocol.h"

namespace gracevisor::supervise {
namespace {

// The C structures with their ends; the first failure is kept.
class Attributes {
 public:
  Attributes() { code_ = ::posix_spawnattr_init(&raw_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { (void)::posix_spawnattr_destroy(&raw_); }

  // An ignored SIGPIPE or a blocked SIGTERM of ours would be inherited through every exec. A session from the
  // first instant on lets the group be killed even while the helper still works.
  void set_up() {
    sigset_t every;
    sigset_t none;
    (void)::sigfillset(&every);
    (void)::sigemptyset(&none);
    note(::posix_spawnattr_setsigdefault(&raw_, &every));
    note(::posix_spawnattr_setsigmask(&raw_, &none));
    note(::posix_spawnattr_setflags(
        &raw_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | static_cast<short>(POSIX_SPAWN_SETSID)));
  }
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] const posix_spawnattr_t* get() const { return &raw_; }

 private:
  void note(int code) {
    if (code_ == 0) code_ = code;
  }
  posix_spawnattr_t raw_{};
  int code_ = 0;
};

class FileActions {
 public:
  FileActions() { code_ = ::posix_spawn_file_actions_init(&raw_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { (void)::posix_spawn_file_actions_destroy(&raw_); }

  void place(const base::UniqueFd& source, int target) {
    if (code_ == 0) code_ = ::posix_spawn_file_actions_adddup2(&raw_, source.get(), target);
  }
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &raw_; }

 private:
  posix_spawn_file_actions_t raw_{};
  int code_ = 0;
};

// Where children are reaped by the kernel itself, no exit status can be had.
bool children_are_reaped_by_kernel() {
  struct sigaction now{};
  if (::sigaction(SIGCHLD, nullptr, &now) != 0) return false;
  return now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT) != 0;
}

}  // namespace

std::expected<pid_t, SpawnFailed> spawn_helper(const std::string& helper, const HelperFds& fds) {
  if (children_are_reaped_by_kernel()) return std::unexpected(SpawnFailed{SpawnStage::spawn, ECHILD});
  Attributes attributes;
  attributes.set_up();
  if (attributes.code() != 0) return std::unexpected(SpawnFailed{SpawnStage::spawn, attributes.code()});
  FileActions actions;
  actions.place(fds.in, STDIN_FILENO);
  actions.place(fds.out, STDOUT_FILENO);
  actions.place(fds.err, STDERR_FILENO);
  actions.place(fds.plan, kPlanFd);
  actions.place(fds.report, kReportFd);
  if (fds.listener) actions.place(fds.listener, kListenerFd);
  if (actions.code() != 0) return std::unexpected(SpawnFailed{SpawnStage::spawn, actions.code()});

  std::string name = kHelperName;
  char* const argv[] = {name.data(), nullptr};
  pid_t pid = 0;
  // Our environment, since the loader may need it to find the helper's libraries; the program gets its own.
  int r = ::posix_spawn(&pid, helper.c_str(), actions.get(), attributes.get(), argv, environ);
  if (r != 0) return std::unexpected(SpawnFailed{SpawnStage::spawn, r});
  return pid;
}

}  // namespace gracevisor::supervise
