// What travels over the control socket, as plain structs and as JSON: written by the daemon, read by gvctl.
// Reading tolerates unknown members and fills in missing ones (the other side may be older or newer), but a
// member of the wrong type is an error. Bytes that are not UTF-8 become U+FFFD.
//
//   GET  /v1/version                        Version
//   GET  /v1/status                         StatusReport
//   GET  /v1/apps/NAME                      AppStatus
//   GET  /v1/apps/NAME/logs                 LogLines; ?n=100&follow=1&instance=43.1 (or a generation, 43)
//   POST /v1/apps/NAME/deploy, start, stop, abort
//                                           ReportLines until it is finished; stop takes {"now":true}
//   POST /v1/shutdown                       ReportLines
//
// Several lines are a stream, application/x-ndjson: one object per line. A request that cannot be answered
// gets an Error. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "control/exit_code.h"

namespace gracevisor::control {

struct Version {
  std::string version;
  int pid = 0;
};

struct InstanceStatus {
  std::string name;                       // "42.1"
  std::string state;                      // "healthy", "backoff", …
  int pid = 0;                            // 0: no process
  std::string endpoint;                   // ":21004"; empty: none
  std::optional<std::uint64_t> uptime_s;  // unset: no process
  std::uint64_t in_flight = 0;
  std::uint64_t upgraded = 0;  // of those: WebSockets, TCP connections
  std::uint64_t restarts = 0;
  std::uint64_t rss_bytes = 0;  // 0: unknown
  std::optional<std::uint64_t> probe_ms;
  std::string detail;  // "next in 7 s, 6 failures: exit 1"
};

struct AppStatus {
  std::string name;
  std::string state;  // "live", "starting", "stopped", "backoff", "crash-loop", "fatal", "stopping", …
  std::uint64_t generation = 0;  // 0: none
  std::uint64_t healthy = 0;
  std::uint64_t wanted = 0;
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t repaired = 0;            // responses that gave their length twice
  std::optional<std::uint64_t> since_s;  // how long ago the generation went live
  std::vector<std::string> listens;      // addresses or names of listeners
  std::vector<std::string> routes;       // "example.com/api"
  std::vector<InstanceStatus> instances;
  std::string last_deploy;            // "@42 done 2 h ago"
  std::vector<std::string> problems;  // "last deploy @43 FAILED …", "configuration differs from @42: …"
  std::optional<std::uint64_t> stopped_uid;  // the user who stopped it; unset unless a command stopped it
  std::optional<std::uint64_t> stopped_s;    // how long ago
};

struct StatusReport {
  std::string version;
  int pid = 0;
  std::uint64_t uptime_s = 0;
  std::uint64_t workers = 0;
  std::uint64_t epoch = 0;
  std::vector<AppStatus> apps;
  std::uint64_t open_files = 0;  // the limit (RLIMIT_NOFILE); 0: none
  std::uint64_t open_files_needed = 0;
  std::uint64_t max_connections = 0;  // client connections that this leaves room for
  std::vector<std::string> problems;  // of the daemon as a whole
};

// One line of a running command's report. The last one has `exit`.
struct ReportLine {
  std::string phase;  // "deploy" (the heading), "start", "cutover", "done", "failed", "cause", …; ""
                      // continues the line before
  std::optional<std::int64_t> at_ms;  // since the command began
  std::string text;
  std::optional<int> exit;
  // Further members, for machines: their names must not be those of the members above.
  using Value = std::variant<bool, std::int64_t, double, std::string>;
  std::vector<std::pair<std::string, Value>> fields;
};

struct Error {
  std::string error;  // a whole sentence without its full stop
  ExitCode exit = ExitCode::failed;
  std::vector<std::string> details;
};

struct LogLine {
  std::string instance;  // "43.1"
  std::string stream;    // "out" or "err"
  std::string time;      // RFC 3339
  std::string line;      // without its newline
  bool cut = false;      // the line was longer and continues: the log file has all of it
};

// One JSON object, on one line, without a newline.
[[nodiscard]] std::string to_json(const Version& message);
[[nodiscard]] std::string to_json(const StatusReport& message);
[[nodiscard]] std::string to_json(const AppStatus& message);
[[nodiscard]] std::string to_json(const ReportLine& message);
[[nodiscard]] std::string to_json(const Error& message);
[[nodiscard]] std::string to_json(const LogLine& message);

[[nodiscard]] base::Expected<Version> read_version(std::string_view json);
[[nodiscard]] base::Expected<StatusReport> read_status(std::string_view json);
[[nodiscard]] base::Expected<AppStatus> read_app_status(std::string_view json);
[[nodiscard]] base::Expected<ReportLine> read_report_line(std::string_view json);
[[nodiscard]] base::Expected<LogLine> read_log_line(std::string_view json);

// The error in an answer with this HTTP status; never fails: missing members are derived from the status.
[[nodiscard]] Error read_error(int http_status, std::string_view json);

// What POST …/stop takes.
struct StopOptions {
  bool now = false;  // without drain
};
[[nodiscard]] std::string to_json(const StopOptions& message);
// An empty body means the defaults.
[[nodiscard]] base::Expected<StopOptions> read_stop_options(std::string_view json);

}  // namespace gracevisor::control
