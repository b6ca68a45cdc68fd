// Commands that their supervisor gives to a shell: as a list of words if no shell is needed, else as
// ["sh", "-c", "..."]. $PORT becomes {port}. Thread: any; pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "migrate/draft.h"

namespace gracevisor::migrate {

struct ShellCommand {
  Command words;            // templates
  Environment environment;  // A=1 in front of the program
  std::string shell_for;    // what needs a shell: "&&"; empty if nothing does
  bool uses_port = false;
};

// An error for an unclosed quote, or no program.
[[nodiscard]] base::Expected<ShellCommand> read_shell_command(std::string_view text);

}  // namespace gracevisor::migrate
