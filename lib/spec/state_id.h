// The name of a state folder: a random number that is made with the folder and kept in it. Each process of
// the daemon carries it as GV_STATE, so that a later daemon can tell which processes are its predecessor's.
// Thread: the start-up's.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace gracevisor::spec {

struct StateId {
  std::string text;     // 32 hexadecimal digits
  std::string problem;  // empty, or why it is not kept: a later daemon will not know these processes
};

// Reads <state_dir>/id, or makes it (mode 0600). A damaged one is replaced. Fails only when no random number
// can be had.
[[nodiscard]] base::Expected<StateId> state_id(const std::filesystem::path& state_dir);

}  // namespace gracevisor::spec
