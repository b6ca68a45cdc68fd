// gvctl's command line, read with CLI11 and checked. Thread: values.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "gvctl/selector.h"

namespace gracevisor::gvctl {

enum class Verb {
  status,
  deploy,
  abort,
  attach,
  wait,
  history,
  start,
  stop,
  kill,
  signal,
  scale,
  reload,
  logs,
  environment,
  show,
  check,
  names,   // for completion
  schema,  // of what is printed as JSON
  upgrade,
  shutdown,
  version,
};

struct LogOptions {
  enum class Of : std::uint8_t { output, access, daemon };
  Of of = Of::output;
  bool follow = false;
  bool time = false;
  bool only_stderr = false;
  std::optional<std::uint32_t> lines;  // unset: as many as suit what is shown
  std::optional<base::WallTime> since;
  std::optional<base::WallTime> until;
  std::string grep;  // empty: every line
};

struct CommandLine {
  Verb verb = Verb::status;
  std::string socket;  // empty: the default
  std::string config;  // the daemon's configuration, which tells the socket; empty: not given
  bool json = false;
  std::vector<Selector> selectors;
  bool verbose = false;        // status
  bool watch = false;          // status
  bool exit_code = false;      // status
  std::string word;            // signal: its name; scale: "4", "+1", "-1" or "file"; schema: its name
  bool no_wait = false;        // deploy, reload
  bool until_cutover = false;  // deploy
  bool dry_run = false;        // deploy, reload
  bool remove = false;         // reload
  bool now = false;            // stop, upgrade
  bool same = false;           // start
  bool group = false;          // signal
  bool force = false;          // signal
  bool unmask = false;         // environment
  bool all = false;            // show
  bool strict = false;         // check
  bool generations = false;    // names
  std::optional<base::Millis> timeout;  // wait
  std::optional<std::string> to;        // upgrade: a path, as it was given
  bool wait = false;                    // upgrade
  base::Millis longest_wait{300000};    // upgrade: how long the daemon waits
  LogOptions logs;
};

// Nothing to run: help, a version, or a usage error, with the text to show and the exit code.
struct Ending {
  int exit = 0;
  std::string text;       // for standard output when exit is 0, else for standard error
  std::string what = {};  // the error alone; with --json it goes to standard output as an object
};

// `arguments` excludes the program's name. `environment_socket`: GRACEVISOR_SOCKET, or empty.
[[nodiscard]] std::expected<CommandLine, Ending> parse_command_line(const std::vector<std::string>& arguments,
                                                                    const std::string& environment_socket);

// Is --json among them?
[[nodiscard]] bool asks_for_json(const std::vector<std::string>& arguments);

// Every command (aliases too) with its long options, the global ones under "": what the manual page and the
// completions must cover.
[[nodiscard]] std::map<std::string, std::vector<std::string>> command_words();

}  // namespace gracevisor::gvctl
