#include "support/stopped_thread.h"

#include <sys/ptrace.h>
#include <sys/wait.h>

#include <charconv>
#include <filesystem>

#include "support/temp_folder.h"

namespace gracevisor::test {
namespace {

pid_t find_thread(pid_t process, const std::string& name) {
  std::error_code error;
  std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process) + "/task", error);
  for (; !error && tasks != std::filesystem::directory_iterator(); tasks.increment(error)) {
    if (content_of(tasks->path() / "comm") != name + "\n") continue;
    std::string number = tasks->path().filename();
    pid_t thread = 0;
    (void)std::from_chars(number.data(), number.data() + number.size(), thread);
    return thread;
  }
  return 0;
}

}  // namespace

StoppedThread::StoppedThread(pid_t process, const std::string& name) {
  pid_t thread = find_thread(process, name);
  if (thread <= 0 || ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) return;
  int status = 0;
  bool stops = ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
               ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
  if (stops) thread_ = thread;
}

void StoppedThread::go_on() {
  if (thread_ > 0) (void)::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
  thread_ = 0;
}

}  // namespace gracevisor::test
