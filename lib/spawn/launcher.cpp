#include "spawn/launcher.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

// Owns the C structures; the first failure is kept.
class Attributes {
 public:
  Attributes() { code_ = ::posix_spawnattr_init(&raw_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { (void)::posix_spawnattr_destroy(&raw_); }

  // Our ignored SIGPIPE or blocked SIGTERM would be inherited through every exec. A session from the first
  // instant allows the group to be killed even while the helper is still working.
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

// If the kernel itself reaps children, no exit status is available.
bool children_are_reaped_by_kernel() {
  struct sigaction now{};
  if (::sigaction(SIGCHLD, nullptr, &now) != 0) return false;
  return now.sa_handler == SIG_IGN || (now.sa_flags & SA_NOCLDWAIT) != 0;
}

// The errno of what prevents the file from being executed, or 0.
int executable(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return errno;
  if (!S_ISREG(st.st_mode)) return EACCES;  // as execve reports it
  return ::access(path.c_str(), X_OK) != 0 ? errno : 0;
}

}  // namespace

std::vector<std::filesystem::path> helper_places(const std::filesystem::path& daemon,
                                                 const std::filesystem::path& libexec) {
  std::filesystem::path folder = daemon.parent_path();
  return {folder / kHelperName, (folder / libexec / kHelperName).lexically_normal()};
}

base::Expected<Launcher> Launcher::open(const std::vector<std::filesystem::path>& places) {
  std::string tried;
  int code = ENOENT;
  for (const auto& place : places) {
    base::UniqueFd file(::open(place.c_str(), O_PATH | O_CLOEXEC));
    code = file ? 0 : errno;
    if (file) {
      auto high = base::duplicate(file.get(), kLowestSource);
      if (!high) return std::unexpected(high.error());
      Launcher launcher(std::move(*high));
      code = executable(launcher.path_);
      if (code == 0) return launcher;
    }
    tried += (tried.empty() ? "" : ", ") + place.string() + ": " + base::errno_text(code);
    // A helper that exists but cannot be used is an error to report, not a reason to try the next place.
    if (code != ENOENT) break;
  }
  return std::unexpected(base::Error{"cannot open gv-exec, which starts the processes: " + tried, code});
}

base::Expected<Launcher> Launcher::of(base::UniqueFd file) {
  auto high = base::duplicate(file.get(), kLowestSource);
  if (!high) return std::unexpected(high.error());
  Launcher launcher(std::move(*high));
  if (const int code = executable(launcher.path_); code != 0)
    return base::fail_errno("cannot execute gv-exec, which starts the processes", code);
  return launcher;
}

std::expected<pid_t, SpawnFailed> Launcher::start(const HelperFds& fds) const {
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
  // Our environment carries sanitizer options for the helper; the program gets its own.
  int r = ::posix_spawn(&pid, path_.c_str(), actions.get(), attributes.get(), argv, environ);
  if (r != 0) return std::unexpected(SpawnFailed{SpawnStage::spawn, r});
  return pid;
}

}  // namespace gracevisor::spawn
