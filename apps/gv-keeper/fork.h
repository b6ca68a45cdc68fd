// Starting a program from an open file. Thread: the keeper's only one.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "inherited.h"

namespace gracevisor::keeper {

struct Program {
  int file = -1;  // O_PATH; this file is executed, wherever its path leads by now
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const int* descriptors = nullptr;  // these become 0, 1, ...; -1: the keeper's own stays
  std::size_t count = 0;
  bool session = false;  // its own session; otherwise its own process group alone
};

struct Forked {
  pid_t pid = -1;
  int pidfd = -1;
  int error = 0;  // set: no child exists
};

// Returns when the program's image is loaded, or could not be (a fraction of a millisecond).
[[nodiscard]] Forked start_program(const Program& program, const Inherited& inherited);

}  // namespace gracevisor::keeper
