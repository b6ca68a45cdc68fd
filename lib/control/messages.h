// What travels over the control socket, as plain structs and as JSON: written by the daemon, read by gvctl.
// Reading tolerates unknown members and fills in missing ones (the other side may be older or newer), but a
// member of the wrong type is an error, and so is an option that is not known, as it would not be carried
// out. Bytes that are not UTF-8 become U+FFFD.
//
//   GET  /v1/version                        Version
//   GET  /v1/status                         StatusReport
//   GET  /v1/apps/NAME                      the same, with that app alone
//   GET  /v1/apps/NAME/logs                 LogLines; ?n=100&follow=1&instance=43.1 (or a generation, 43)
//   GET  /v1/logs                           the same of several apps; ?select=web,api@43.1; without, of all
//                                           ?of=access or daemon: other logs than the apps' output
//                                           both also take since= and until= (RFC 3339), grep= (a fixed
//                                           text) and stream=out or err; n counts for each app
//   GET  /v1/apps/NAME/history              History; ?generation=43
//   GET  /v1/apps/NAME/attach               ReportLines of the command under way, from its beginning
//   GET  /v1/apps/NAME/wait                 the same; if none is under way, the last line of the newest one
//   GET  /v1/apps/NAME/environment          Environment, the values masked; .../environment/values: in full
//   GET  /v1/apps/NAME/settings             Settings; ?all=1: those with their defaults, too
//   GET  /v1/check                          FileCheck
//   POST /v1/apps/NAME/deploy, start, stop, kill, signal, scale, abort
//                                           ReportLines until it is finished; each takes its options
//   POST /v1/reload                         ReportLines until it is finished; takes ReloadOptions
//   POST /v1/upgrade                        the same; takes UpgradeOptions
//   POST /v1/shutdown                       ReportLines until the daemon has ended
// Who asks for ReportLines with ?live=1 also gets lines with kLivePhase.
//
// Several lines are a stream, application/x-ndjson: one object per line. A request that cannot be answered
// gets an Error.
//
// After each structure, fields() lists its members once, with their names and in their order on the wire, for
// the visitors that write and read (archive.h):
//   archive.object(called)           what the message is called in errors
//   archive(name, member)            always written; an optional that is unset as null
//   archive.sparse(name, member)     left out if it has its default
//   archive.further(message, member) all other members of the object
// It takes the structure apart with a structured binding, so a member that is added to the structure but
// forgotten there is a compile error. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/command_messages.h"
#include "control/fields.h"
#include "control/look_messages.h"
#include "control/status_messages.h"

namespace gracevisor::control {

struct LogLine {
  std::string instance;       // "43.1"; empty: the file does not say
  std::string stream;         // "out" or "err"; empty: the file does not say
  std::string time;           // RFC 3339; empty: the file does not say
  std::string line;           // without its newline
  bool cut = false;           // the line was longer and continues: the log file has all of it
  std::string app = {};       // several with "+" between them if they share the file; empty: the daemon
  std::string note = {};      // a remark of the daemon about the answer, instead of a line
  std::uint64_t skipped = 0;  // lines that a follower who reads too slowly did not get; with a note
  friend bool operator==(const LogLine&, const LogLine&) = default;
};
void fields(auto& archive, IsA<LogLine> auto& message) {
  auto& [instance, stream, time, line, cut, app, note, skipped] = message;
  archive.object("log line");
  archive("instance", instance);
  archive("stream", stream);
  archive("time", time);
  archive("line", line);
  archive.sparse("cut", cut);
  archive.sparse("app", app);
  archive.sparse("note", note);
  archive.sparse("skipped", skipped);
}

// One JSON object, on one line, without a newline.
[[nodiscard]] std::string to_json(const Version& message);
[[nodiscard]] std::string to_json(const StatusReport& message);
[[nodiscard]] std::string to_json(const ReportLine& message);
[[nodiscard]] std::string to_json(const Error& message);
[[nodiscard]] std::string to_json(const LogLine& message);
[[nodiscard]] std::string to_json(const StopOptions& message);
[[nodiscard]] std::string to_json(const StartOptions& message);
[[nodiscard]] std::string to_json(const ReloadOptions& message);
[[nodiscard]] std::string to_json(const KillOptions& message);
[[nodiscard]] std::string to_json(const SignalOptions& message);
[[nodiscard]] std::string to_json(const ScaleOptions& message);
[[nodiscard]] std::string to_json(const UpgradeOptions& message);
[[nodiscard]] std::string to_json(const History& message);
[[nodiscard]] std::string to_json(const Environment& message);
[[nodiscard]] std::string to_json(const Settings& message);
[[nodiscard]] std::string to_json(const FileCheck& message);

[[nodiscard]] base::Expected<Version> read_version(std::string_view json);
[[nodiscard]] base::Expected<StatusReport> read_status(std::string_view json);
[[nodiscard]] base::Expected<ReportLine> read_report_line(std::string_view json);
[[nodiscard]] base::Expected<LogLine> read_log_line(std::string_view json);
[[nodiscard]] base::Expected<History> read_history(std::string_view json);
[[nodiscard]] base::Expected<Environment> read_environment(std::string_view json);
[[nodiscard]] base::Expected<Settings> read_settings(std::string_view json);
[[nodiscard]] base::Expected<FileCheck> read_check(std::string_view json);

// The error in an answer with this HTTP status. Never fails: a missing `error` is derived from the status.
// The exit code is the status's, or the body's if the status only means `failed` and the body does not say
// `done`.
[[nodiscard]] Error read_error(int http_status, std::string_view json);
// An empty body means the defaults.
[[nodiscard]] base::Expected<StopOptions> read_stop_options(std::string_view json);
[[nodiscard]] base::Expected<StartOptions> read_start_options(std::string_view json);
[[nodiscard]] base::Expected<ReloadOptions> read_reload_options(std::string_view json);
[[nodiscard]] base::Expected<KillOptions> read_kill_options(std::string_view json);
[[nodiscard]] base::Expected<SignalOptions> read_signal_options(std::string_view json);
[[nodiscard]] base::Expected<ScaleOptions> read_scale_options(std::string_view json);
[[nodiscard]] base::Expected<UpgradeOptions> read_upgrade_options(std::string_view json);

}  // namespace gracevisor::control
