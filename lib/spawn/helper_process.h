// gv-exec started for an answer within one call, rather than as a process of an app. Thread: any.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "base/error.h"
#include "base/unique_fd.h"
#include "spawn/launcher.h"

namespace gracevisor::spawn {

// A user can make an open() hang (with a file system of their own); others must not wait long for it.
inline constexpr std::chrono::milliseconds kPatience{5000};

class HelperProcess {
 public:
  // `plan`: a sealed one, or another request. `report`: its descriptor 4. The others are /dev/null.
  [[nodiscard]] static base::Expected<HelperProcess> start(const Launcher& launcher,
                                                           const base::UniqueFd& plan,
                                                           const base::UniqueFd& report);
  HelperProcess(HelperProcess&& other) noexcept;
  HelperProcess& operator=(HelperProcess&&) = delete;
  // Ends and reaps it, unless it is stuck in the kernel: then it is reaped as the daemon's orphans are.
  ~HelperProcess();

  // It has said all that it will, and is ending.
  void answered() { answered_ = true; }

 private:
  explicit HelperProcess(pid_t pid);

  pid_t pid_;  // 0: moved from
  base::UniqueFd pidfd_;
  bool answered_ = false;
};

// Waits until there is something to read, or the end; false when patience ends first.
[[nodiscard]] bool wait_to_read(int fd, std::chrono::milliseconds patience);

}  // namespace gracevisor::spawn
