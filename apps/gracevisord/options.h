// gracevisord's command line. Thread: the start-up's.
#pragma once

#include <optional>
#include <string>

namespace gracevisor::daemon {

struct Options {
  std::string config;  // empty: searched for
  bool check = false;
  enum class Print { nothing, changed, all };
  Print print = Print::nothing;  // of a check: the values in effect
  bool strict = false;           // a check's warnings count as errors
  bool defaults = false;
  bool fresh = false;
  bool daemonize = false;
  std::string pid_file;  // empty: none
  // From the keeper alone: end what the former daemon left; or serve it with as little as possible.
  bool stop = false;
  bool safe = false;
  std::string import;  // another supervisor's file to print as TOML
  std::string from;    // its kind; empty: recognised
  bool run = false;    // a file that is a program may be run
};

// The options, or the exit code with which to end at once (help, version, usage errors).
struct Parsed {
  Options options;
  std::optional<int> exit;
};
[[nodiscard]] Parsed parse_options(int argc, char** argv);

}  // namespace gracevisor::daemon
