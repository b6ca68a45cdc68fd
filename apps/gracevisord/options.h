// gracevisord's command line. Thread: the start-up's.
#pragma once

#include <optional>
#include <string>

namespace gracevisor::daemon {

struct Options {
  std::string config;  // empty: searched for
  bool check = false;
  bool defaults = false;
  bool fresh = false;
};

// The options, or the exit code with which to end at once (help, version, usage errors).
struct Parsed {
  Options options;
  std::optional<int> exit;
};
[[nodiscard]] Parsed parse_options(int argc, char** argv);

}  // namespace gracevisor::daemon
