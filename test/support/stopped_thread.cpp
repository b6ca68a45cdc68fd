#include "support/stopped_thread.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <filesystem>
#include <stdexcept>

#include "support/temp_folder.h"
#include "support/wait.h"

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
    if (thread != process) return thread;
  }
  return 0;
}

bool stop(pid_t thread) {
  int status = 0;
  return ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
         ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
         ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
}

// Is the stopped thread's loop waiting for events? Anywhere else it might hold a lock, such as malloc's.
bool waits_for_events(pid_t process, pid_t thread) {
  const std::string call =
      content_of("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/syscall");
  const std::string number = call.substr(0, call.find(' '));
#ifdef SYS_epoll_wait  // newer architectures have the other alone
  if (number == std::to_string(SYS_epoll_wait)) return true;
#endif
  return number == std::to_string(SYS_epoll_pwait);
}

}  // namespace

StoppedThread::StoppedThread(pid_t process, const std::string& name) {
  const pid_t thread = find_thread(process, name);
  if (thread <= 0) return;
  const bool over = wait_until([&] {
    if (!stop(thread)) return true;
    thread_ = thread;
    if (waits_for_events(process, thread)) return true;
    go_on();
    return false;
  });
  if (!over) throw std::runtime_error(name + " never waits for events");
}

void StoppedThread::go_on() {
  // One that was killed meanwhile is a zombie, without whose end its process does not end for its parent.
  if (thread_ > 0 && ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr) != 0) {
    (void)::waitpid(thread_, nullptr, __WALL);
  }
  thread_ = 0;
}

}  // namespace gracevisor::test
