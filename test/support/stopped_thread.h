// Stops one thread of another process, found by its name, for as long as this lives: what a hung disk does
// to the thread that writes to it. Threads without a name of their own have the program's: of several, it is
// the oldest but the main one and those that a sanitizer brings. Thread: the one that created it.
#pragma once

#include <sys/types.h>

#include <string>

namespace gracevisor::test {

class StoppedThread {
 public:
  // `process` descends from this one. It may be killed; then it ends with this.
  StoppedThread(pid_t process, const std::string& name);
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;
  ~StoppedThread() { go_on(); }

  // False: there is no such thread, or this machine does not let one process stop another.
  [[nodiscard]] bool stopped() const noexcept { return thread_ > 0; }
  void go_on();

 private:
  pid_t thread_ = 0;
};

}  // namespace gracevisor::test
