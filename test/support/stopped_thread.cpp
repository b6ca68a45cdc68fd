#include "support/stopped_thread.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "support/temp_folder.h"
#include "support/wait.h"

namespace gracevisor::test {
namespace {

// Of that name, without the main one; the oldest first.
std::vector<pid_t> find_threads(pid_t process, const std::string& name) {
  std::vector<pid_t> threads;
  std::error_code error;
  std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process) + "/task", error);
  for (; !error && tasks != std::filesystem::directory_iterator(); tasks.increment(error)) {
    if (content_of(tasks->path() / "comm") != name + "\n") continue;
    std::string number = tasks->path().filename();
    pid_t thread = 0;
    (void)std::from_chars(number.data(), number.data() + number.size(), thread);
    if (thread > 0 && thread != process) threads.push_back(thread);
  }
  return threads;
}

bool stop(pid_t thread) {
  int status = 0;
  return ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
         ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
         ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
}

enum class Doing { wait_for_events, sleep, anything };

// What the stopped thread was doing. Where it does not wait for events, it might hold a lock, such as
// malloc's.
Doing doing(pid_t process, pid_t thread) {
  const std::string call =
      content_of("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/syscall");
  const std::string number = call.substr(0, call.find(' '));
  const auto is = [&number](long one) { return number == std::to_string(one); };
#ifdef SYS_epoll_wait  // newer architectures have the other alone
  if (is(SYS_epoll_wait)) return Doing::wait_for_events;
#endif
  if (is(SYS_epoll_pwait)) return Doing::wait_for_events;
#ifdef SYS_nanosleep
  if (is(SYS_nanosleep)) return Doing::sleep;
#endif
  return is(SYS_clock_nanosleep) ? Doing::sleep : Doing::anything;
}

}  // namespace

StoppedThread::StoppedThread(pid_t process, const std::string& name) {
  const bool over = wait_until([&] {
    for (const pid_t thread : find_threads(process, name)) {
      if (!stop(thread)) return true;
      thread_ = thread;
      const Doing now = doing(process, thread);
      if (now == Doing::wait_for_events) return true;
      go_on();
      // One that sleeps is a sanitizer's: ours never do.
      if (now != Doing::sleep) return false;
    }
    return find_threads(process, name).empty();
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
