#include "unit/supervise/process_fixture.h"

#include <poll.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "supervise/pidfd.h"

namespace gracevisor::supervise::testing {

SpawnPlan command(std::vector<std::string> argv) {
  SpawnPlan plan;
  plan.program = argv.front();
  plan.argv = std::move(argv);
  plan.directory = std::string(1, '/');
  plan.environment = {"GV_APP=web", "GV_INSTANCE=42.1", "PATH=/usr/bin:/bin"};
  return plan;
}

SpawnPlan shell(const std::string& script) {
  return command({"/bin/sh", "-c", script});
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "gv-test-XXXXXX").string();
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = std::filesystem::canonical(name);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // what is left over lies in /tmp
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(const std::string& name, const std::string& content,
                                             unsigned mode) const {
  auto file = path_ / name;
  std::ofstream(file) << content;
  REQUIRE(::chmod(file.c_str(), mode) == 0);
  return file;
}

bool ends(pid_t pid) {
  auto pidfd = open_pidfd(pid);
  if (!pidfd) return true;
  pollfd wait{pidfd->get(), POLLIN, 0};
  auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kPatience);
  return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace gracevisor::supervise::testing
