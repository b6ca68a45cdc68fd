#include "unit/process/process_fixture.h"

#include <poll.h>

#include "process/pidfd.h"

namespace gracevisor::process::testing {

spawn::SpawnPlan command(std::vector<std::string> argv) {
  spawn::SpawnPlan plan;
  plan.program = argv.front();
  plan.argv = std::move(argv);
  plan.directory = std::string(1, '/');
  plan.environment = {"GV_APP=web", "GV_INSTANCE=42.1", "PATH=/usr/bin:/bin"};
  return plan;
}

spawn::SpawnPlan shell(const std::string& script) {
  return command({"/bin/sh", "-c", script});
}

bool ends(pid_t pid) {
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return true;
  pollfd wait{pidfd->get(), POLLIN, 0};
  auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
  return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace gracevisor::process::testing
