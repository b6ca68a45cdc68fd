// The name of a state folder: a random number that is made with the folder and kept in it. Each process that
// the daemon starts carries it as GV_STATE, so that a later daemon can tell which processes are its
// predecessor's. Thread: the main thread, at start-up.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace gracevisor::spec {

struct StateId {
  std::string text;     // 32 hexadecimal digits
  std::string problem;  // empty, or why the number is not kept: a later daemon will not know these processes
};

// Reads <state_dir>/id, or makes it (mode 0600). A damaged file is replaced. Fails only if no random number
// is available.
[[nodiscard]] base::Expected<StateId> state_id(const std::filesystem::path& state_dir);

}  // namespace gracevisor::spec
