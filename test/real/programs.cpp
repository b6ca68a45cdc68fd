#include "real/programs.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "support/command.h"
#include "support/skip.h"

namespace gracevisor::test {
namespace {

bool installed(const std::string& program) {
  const std::string kModule = "python3-";
  std::vector<std::string> question{"/bin/sh", "-c", "PATH=$PATH:/usr/sbin; command -v \"$1\"", "sh",
                                    program};
  if (program.starts_with(kModule)) question = {GV_PYTHON, "-c", "import " + program.substr(kModule.size())};
  return run_command(question).exit_code == 0;
}

}  // namespace

bool available(const std::vector<std::string>& programs) {
  for (const std::string& program : programs) {
    if (installed(program)) continue;
    std::string message = "needs " + program + ": . cmake/setup.sh; gv_need real";
    if (std::getenv("GV_NO_SKIP") != nullptr) {
      FAIL_CHECK(message);
    } else {
      skip(message);
    }
    return false;
  }
  return true;
}

std::string real_file(const std::string& name) {
  return std::string(GV_REAL_FILES) + "/" + name;
}

}  // namespace gracevisor::test
