// Runs a program to its end, or alongside the test: its exit code and what it wrote, in bounded time. Thread:
// the test's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace gracevisor::test {

struct CommandResult {
  int exit_code = -1;  // -1: ended by a signal or did not start
  int signal = 0;
  bool timed_out = false;  // and was killed
  std::string out;
  std::string err;
  std::chrono::milliseconds took{};
};

// One line for a test's message.
[[nodiscard]] std::string describe(const CommandResult& result);

class Command {
 public:
  // Starts argv[0] (a path, or a name in PATH) with the test's environment and `environment` added to it.
  explicit Command(const std::vector<std::string>& argv,
                   const std::map<std::string, std::string>& environment = {});
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  // Kills the program if it is still running.
  ~Command();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] bool running();
  [[nodiscard]] std::string out() const { return content_of(files_.path() / "out"); }
  [[nodiscard]] std::string err() const { return content_of(files_.path() / "err"); }
  void signal(int number) const;
  // Waits for the end; kills it when `patience` is over.
  CommandResult wait(std::chrono::milliseconds patience = std::chrono::seconds(20));

 private:
  [[nodiscard]] bool reaped();

  TempFolder files_;
  std::chrono::steady_clock::time_point started_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;  // as waitpid() gives it, once ended_
};

[[nodiscard]] CommandResult run_command(const std::vector<std::string>& argv,
                                        std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace gracevisor::test
