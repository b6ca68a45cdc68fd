// Commands and what they report, as messages of the control API (messages.h). Thread: values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "control/exit_code.h"
#include "control/fields.h"

namespace gracevisor::control {

// The phase of a line that says what the command is doing at this moment; the next line replaces it. It comes
// only to those that ask for it, with ?live=1.
inline constexpr std::string_view kLivePhase = "live";

// A process that a command has started.
struct StartedInstance {
  std::string instance;  // "43.1"
  std::uint64_t pid = 0;
  std::string endpoint;  // ":21004"; empty: none
  friend bool operator==(const StartedInstance&, const StartedInstance&) = default;
};
void fields(auto& archive, IsA<StartedInstance> auto& message) {
  auto& [instance, pid, endpoint] = message;
  archive.object("started");
  archive("instance", instance);
  archive("pid", pid);
  archive("endpoint", endpoint);
}

// One that has ended.
struct StoppedInstance {
  std::string instance;
  std::string last_exit;      // "exit 0"
  std::optional<int> code;    // of an exit
  std::optional<int> signal;  // that ended it
  friend bool operator==(const StoppedInstance&, const StoppedInstance&) = default;
};
void fields(auto& archive, IsA<StoppedInstance> auto& message) {
  auto& [instance, last_exit, code, signal] = message;
  archive.object("stopped");
  archive("instance", instance);
  archive("last_exit", last_exit);
  archive("code", code);
  archive("signal", signal);
}

// One line of a running command's report. The last one has `exit`.
struct ReportLine {
  std::string phase;  // "deploy" (the heading), "start", "cutover", "done", "failed", "cause", …; ""
                      // continues the line before
  std::optional<std::int64_t> at_ms;  // since the command began
  std::string text;
  std::optional<int> exit;
  // Further members, for machines: their names must differ from those of the members above.
  using Value = std::variant<bool, std::int64_t, double, std::string>;
  using Fields = std::vector<std::pair<std::string, Value>>;
  Fields fields;
  std::string app = {};                // if the command concerns several; also a listener, or "daemon"
  std::vector<std::string> keys = {};  // of the configuration: what differs
  std::vector<StartedInstance> started = {};
  std::vector<StoppedInstance> stopped = {};
  friend bool operator==(const ReportLine&, const ReportLine&) = default;
};
void fields(auto& archive, IsA<ReportLine> auto& message) {
  auto& [phase, at_ms, text, exit, further, app, keys, started, stopped] = message;
  archive.object("report");
  archive("phase", phase);
  archive.sparse("at_ms", at_ms);
  archive("text", text);
  archive.sparse("app", app);
  archive.sparse("keys", keys);
  archive.sparse("started", started);
  archive.sparse("stopped", stopped);
  archive.further(message, further);
  archive.sparse("exit", exit);
}

struct Error {
  std::string error;  // a whole sentence without its full stop
  ExitCode exit = ExitCode::failed;
  std::vector<std::string> details;
  friend bool operator==(const Error&, const Error&) = default;
};
void fields(auto& archive, IsA<Error> auto& message) {
  auto& [error, exit, details] = message;
  archive.object("error");
  archive("error", error);
  archive("exit", exit);
  archive.sparse("details", details);
}

// A command that is over.
struct PastCommand {
  std::string verb;                  // "deploy"
  std::optional<std::uint64_t> uid;  // who gave it; unset: the daemon itself
  std::string at;                    // RFC 3339: when it began
  std::uint64_t generation = 0;      // that it concerned; 0: none
  int exit = 0;
  std::string text;               // its outcome: the last line
  std::vector<ReportLine> lines;  // its whole report
  friend bool operator==(const PastCommand&, const PastCommand&) = default;
};
void fields(auto& archive, IsA<PastCommand> auto& message) {
  auto& [verb, uid, at, generation, exit, text, lines] = message;
  archive.object("command");
  archive("verb", verb);
  archive("uid", uid);
  archive("at", at);
  archive("generation", generation);
  archive("exit", exit);
  archive("text", text);
  archive("lines", lines);
}

struct History {
  std::string app;
  std::vector<PastCommand> commands;  // oldest first
  friend bool operator==(const History&, const History&) = default;
};
void fields(auto& archive, IsA<History> auto& message) {
  auto& [app, commands] = message;
  archive.object("history");
  archive("app", app);
  archive("commands", commands);
}

struct Variable {
  std::string name;
  std::optional<std::string> value;  // unset: masked
  std::uint64_t size = 0;            // of the value, in bytes
  std::string source;                // "environment", "environment_file", "user", "daemon", "gracevisor"
  friend bool operator==(const Variable&, const Variable&) = default;
};
void fields(auto& archive, IsA<Variable> auto& message) {
  auto& [name, value, size, source] = message;
  archive.object("variable");
  archive("name", name);
  archive("value", value);
  archive("size", size);
  archive("source", source);
}

// What an app's processes get.
struct Environment {
  std::string instance;  // "web@43.1": the one whose variables these are
  std::vector<Variable> variables;
  friend bool operator==(const Environment&, const Environment&) = default;
};
void fields(auto& archive, IsA<Environment> auto& message) {
  auto& [instance, variables] = message;
  archive.object("environment");
  archive("instance", instance);
  archive("variables", variables);
}

// What POST …/stop takes.
struct StopOptions {
  bool now = false;  // without drain
  friend bool operator==(const StopOptions&, const StopOptions&) = default;
};
void fields(auto& archive, IsA<StopOptions> auto& message) {
  auto& [now] = message;
  archive.object("options");
  archive("now", now);
}

// What POST …/start takes.
struct StartOptions {
  bool same = false;  // as it was stopped, whatever the files say
  friend bool operator==(const StartOptions&, const StartOptions&) = default;
};
void fields(auto& archive, IsA<StartOptions> auto& message) {
  auto& [same] = message;
  archive.object("options");
  archive("same", same);
}

// What POST /v1/reload takes.
struct ReloadOptions {
  std::vector<std::string> apps;  // empty: all
  bool dry_run = false;           // only says what would be done
  bool remove = false;            // apps that the files no longer have
  bool deploy = false;            // deploys each of the apps, whether or not it differs
  friend bool operator==(const ReloadOptions&, const ReloadOptions&) = default;
};
void fields(auto& archive, IsA<ReloadOptions> auto& message) {
  auto& [apps, dry_run, remove, deploy] = message;
  archive.object("options");
  archive("apps", apps);
  archive("dry_run", dry_run);
  archive("remove", remove);
  archive("deploy", deploy);
}

// What POST …/kill takes.
struct KillOptions {
  std::string instance;  // "43.1", or a generation, "43"; empty: the whole app, which then stays stopped
  friend bool operator==(const KillOptions&, const KillOptions&) = default;
};
void fields(auto& archive, IsA<KillOptions> auto& message) {
  auto& [instance] = message;
  archive.object("options");
  archive("instance", instance);
}

// What POST …/signal takes.
struct SignalOptions {
  std::string signal;    // "HUP", "SIGHUP" or "1"
  std::string instance;  // as for kill; empty: every instance
  bool group = false;    // to every process of the instance's group, not only its main process
  bool force = false;    // even if it suspends what serves
  friend bool operator==(const SignalOptions&, const SignalOptions&) = default;
};
void fields(auto& archive, IsA<SignalOptions> auto& message) {
  auto& [signal, instance, group, force] = message;
  archive.object("options");
  archive("signal", signal);
  archive("instance", instance);
  archive("group", group);
  archive("force", force);
}

// What POST …/scale takes: one of these.
struct ScaleOptions {
  std::optional<int> instances;  // how many there should be
  std::optional<int> more;       // how many more; may be negative
  bool file = false;             // as many as the files say
  friend bool operator==(const ScaleOptions&, const ScaleOptions&) = default;
};
void fields(auto& archive, IsA<ScaleOptions> auto& message) {
  auto& [instances, more, file] = message;
  archive.object("options");
  archive("instances", instances);
  archive("more", more);
  archive("file", file);
}

// What POST /v1/upgrade takes. Read only within these bounds.
struct UpgradeOptions {
  static constexpr std::uint64_t kLongest = 86'400'000;
  static constexpr std::size_t kLongestPath = 4095;

  std::string to;     // another gracevisord, an absolute path; empty: what is at the present one
  bool wait = false;  // until nothing is in the way
  std::uint64_t timeout_ms = 300000;  // at most so long; kLongest at most
  bool now = false;                   // ends a predecessor that still drains
  friend bool operator==(const UpgradeOptions&, const UpgradeOptions&) = default;
};
void fields(auto& archive, IsA<UpgradeOptions> auto& message) {
  auto& [to, wait, timeout_ms, now] = message;
  archive.object("options");
  archive("to", to);
  archive("wait", wait);
  archive("timeout_ms", timeout_ms);
  archive("now", now);
}

}  // namespace gracevisor::control
