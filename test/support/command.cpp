#include "support/command.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

#include "support/wait.h"

namespace gracevisor::test {
namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::map<std::string, std::string> merged;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) merged.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : added) merged[name] = value;
  std::vector<std::string> lines;
  lines.reserve(merged.size());
  for (const auto& [name, value] : merged) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

void check(int code, const char* doing) {
  if (code != 0) throw std::runtime_error(std::string(doing) + ": " + std::strerror(code));
}

// Default signal handling and an empty mask: the test program itself ignores SIGPIPE.
struct SpawnAttributes {
  posix_spawnattr_t value{};
  SpawnAttributes() {
    check(::posix_spawnattr_init(&value), "posix_spawnattr_init");
    sigset_t all;
    sigset_t none;
    (void)::sigfillset(&all);
    (void)::sigemptyset(&none);
    check(::posix_spawnattr_setsigdefault(&value, &all), "posix_spawnattr_setsigdefault");
    check(::posix_spawnattr_setsigmask(&value, &none), "posix_spawnattr_setsigmask");
    check(::posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK),
          "posix_spawnattr_setflags");
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { (void)::posix_spawnattr_destroy(&value); }
};

struct SpawnFiles {
  posix_spawn_file_actions_t value{};
  SpawnFiles() { check(::posix_spawn_file_actions_init(&value), "posix_spawn_file_actions_init"); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;
  ~SpawnFiles() { (void)::posix_spawn_file_actions_destroy(&value); }
  void open(int fd, const std::string& path, int flags) {
    check(::posix_spawn_file_actions_addopen(&value, fd, path.c_str(), flags, 0600), "addopen");
  }
};

}  // namespace

std::string describe(const CommandResult& result) {
  return "exit " + std::to_string(result.exit_code) + " signal " + std::to_string(result.signal) +
         (result.timed_out ? " TIMED OUT" : "") + " after " + std::to_string(result.took.count()) +
         " ms\n--- out\n" + result.out + "--- err\n" + result.err;
}

Command::Command(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment)
    : started_(std::chrono::steady_clock::now()) {
  std::vector<std::string> arguments = argv;
  std::vector<std::string> lines = merged_environment(environment);
  SpawnAttributes attributes;
  SpawnFiles files;
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND;
  files.open(STDIN_FILENO, "/dev/null", O_RDONLY);
  files.open(STDOUT_FILENO, files_.path() / "out", kWrite);
  files.open(STDERR_FILENO, files_.path() / "err", kWrite);
  check(::posix_spawnp(&pid_, arguments.front().c_str(), &files.value, &attributes.value,
                       pointers(arguments).data(), pointers(lines).data()),
        argv.front().c_str());
}

Command::~Command() {
  if (running()) (void)wait(std::chrono::milliseconds(0));
}

bool Command::reaped() {
  if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
  return ended_;
}

bool Command::running() {
  return !reaped();
}

void Command::signal(int number) const {
  if (!ended_) (void)::kill(pid_, number);
}

CommandResult Command::wait(std::chrono::milliseconds patience) {
  CommandResult result;
  if (!wait_until([this] { return reaped(); }, patience)) {
    result.timed_out = true;
    (void)::kill(pid_, SIGKILL);
    ended_ = ::waitpid(pid_, &status_, 0) == pid_;
  }
  result.took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started_);
  if (WIFEXITED(status_)) result.exit_code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) result.signal = WTERMSIG(status_);
  result.out = out();
  result.err = err();
  return result;
}

CommandResult run_command(const std::vector<std::string>& argv, std::chrono::milliseconds patience) {
  return Command(argv).wait(patience);
}

}  // namespace gracevisor::test
