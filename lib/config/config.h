// The checked configuration: everything the files say, with defaults filled in. A value: built completely or
// not at all, never changed afterwards. Names follow the file's keys (config-and-cli page of the design).
// Thread: values, any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strong.h"
#include "config/limits.h"
#include "config/places.h"
#include "config/proxy_options.h"
#include "config/source.h"
#include "http/limits.h"

namespace gracevisor::config {

struct File;
using Files = std::deque<File>;  // files.h

struct PortRange {
  base::Port first{20000};
  base::Port last{29999};
  bool operator==(const PortRange&) const = default;
};

// Log files are rotated at this size; this many old ones are kept.
inline constexpr std::uint64_t kLogFileSize = 50ULL << 20;
inline constexpr unsigned kOldLogFiles = 5;

struct DaemonLog {
  std::string file;  // empty: standard error; or a sink (log_target.h)
  base::LogLevel level = base::LogLevel::info;
  std::uint64_t max_size = kLogFileSize;
  unsigned keep = kOldLogFiles;
  Millis max_age{0};             // as AppLog::max_age
  std::uint64_t total_size = 0;  // as AppLog::total_size
  bool compress = false;
};

struct Daemon {
  unsigned workers = 0;  // 0: "auto", as many as there are CPUs
  std::filesystem::path runtime_dir;
  std::filesystem::path state_dir;
  PortRange port_range;
  DaemonLog log;
  std::optional<Millis> shutdown_timeout;  // unset: "auto"
  Millis upgrade_drain_timeout{0};         // 0: never
  std::optional<unsigned> max_starts;      // unset: "auto", twice as many as there are CPUs
  std::string operator_group = "gracevisor";
  std::filesystem::path autodiscover;  // empty: off
  bool cgroups = true;                 // for each instance, where the daemon may make one
};

// An IPv4 or IPv6 network whose members' forwarding headers are believed.
struct Cidr {
  base::Address network;
  unsigned prefix = 0;
  bool operator==(const Cidr&) const = default;
};

// A line of an access log: JSON, or as Apache and nginx write it.
enum class AccessFormat { json, combined };

// [listen.NAME], or an app's own address (then named by that address).
struct Listener {
  enum class Targets : std::uint8_t {
    as_sent,  // any byte but controls, space, DEL and "#" passes unchanged
    strict,   // targets that RFC 9112 section 3.2 does not allow get 400
  };
  std::string name;
  std::vector<base::Address> addresses;
  std::optional<std::string> default_app;  // unset: unknown hosts get 404
  std::vector<Cidr> trusted_proxies;
  bool proxy_protocol = false;  // every connection begins with a PROXY header, version 1 or 2
  Millis head_timeout{10000};   // of a request, in total
  Millis idle_timeout{60000};   // between two requests
  std::uint64_t max_target = http::HeadLimits().target;
  std::uint64_t max_head = http::HeadLimits().head;
  std::uint64_t max_field = http::HeadLimits().field;
  unsigned max_fields = http::HeadLimits().fields;
  Targets targets = Targets::as_sent;
  std::uint64_t read_ahead = 65536;  // pipelined bytes kept while a request is served
  // Per client address, divided among the workers; 0: any number; unset: "auto", a quarter of the places
  // while those are scarce.
  std::optional<unsigned> max_connections_per_client;
  std::string access_log;  // like AppLog::access, for requests whose app has none of its own
  AccessFormat access_format = AccessFormat::json;
  // Of that log, as in AppLog.
  std::uint64_t access_max_size = kLogFileSize;
  unsigned access_keep = kOldLogFiles;
  Millis access_max_age{0};
  std::uint64_t access_total_size = 0;
  bool access_compress = false;
  Source source;
};

struct Route {
  std::string host;        // lower-case; empty: every host; "*.example.com": every host below example.com
  std::string path = "/";  // a prefix on segment boundaries
  Source source;
  bool operator==(const Route& other) const { return host == other.host && path == other.path; }
};

enum class Protocol { http, tcp };
enum class EndpointKind {
  port,    // a TCP port of the daemon's range
  socket,  // a Unix socket that the app binds
  fd,      // a Unix socket that the daemon listens on and passes to the app
  none,    // a worker process
};
// Do clients reach such an app through the proxy?
[[nodiscard]] constexpr bool is_routed(EndpointKind kind) {
  return kind != EndpointKind::none;
}
// Is such an app reached through the path of a Unix socket?
[[nodiscard]] constexpr bool is_unix(EndpointKind kind) {
  return kind == EndpointKind::socket || kind == EndpointKind::fd;
}

struct EnvironmentFile {
  std::filesystem::path path;
  bool optional = false;  // written with a leading "?"
  bool operator==(const EnvironmentFile&) const = default;
};

struct Health {
  enum class Kind { http, tcp };
  enum class Action { unroute, restart };
  Kind kind = Kind::http;
  std::string path = "/";
  bool path_given = false;  // false: any complete answer below 500 counts
  std::vector<StatusRange> expect = {{200, 299}};
  Millis interval{5000};
  Millis timeout{2000};
  Millis start_timeout{10000};  // for each probe before the first success
  unsigned healthy_after = 1;
  unsigned unhealthy_after = 3;
  Action action = Action::unroute;
  std::optional<std::string> host;  // unset: the first exact route host, else localhost
  std::string proto = "http";       // "https" sends X-Forwarded-Proto: https
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Deploy {
  Millis timeout{60000};
  Millis guard{10000};
  Millis guard_interval{1000};
  std::optional<Millis> drain_timeout;  // unset: "auto", request_timeout + 5 s
  // WebSockets and other tunnels at cutover: ended at a random moment of the drain window's first half, left
  // until the drain deadline, or ended at once.
  enum class Upgraded { close, wait, now };
  Upgraded upgraded = Upgraded::close;
  Millis hold{10000};
  Millis settle{5000};
};

struct Restart {
  enum class Policy { always, on_failure, on_abnormal, never };
  Policy policy = Policy::always;
  std::vector<int> success_exit_codes = {0};
  Millis backoff{500};
  Millis backoff_max{30000};
  Millis stable_after{30000};
  unsigned max_failures = 0;  // 0: retry for ever
  Millis retry_fatal{0};      // 0: given up until an operator starts it
};

// One rung of the stop ladder: a signal, and how long to wait for the exit before the next rung.
struct StopStep {
  int signal = 15;
  Millis wait{30000};
  bool operator==(const StopStep&) const = default;
};

struct Stop {
  enum class Scope { group, main };
  std::vector<StopStep> ladder = {StopStep{}};  // then SIGKILL to the whole tree
  Scope scope = Scope::group;
  // What happens to processes that outlive the main one.
  enum class Leftover { kill, leave };
  Leftover leftover = Leftover::kill;
};

struct AppLog {
  enum class Format { plain, prefixed, json };
  enum class OnFull { drop, block };
  // Empty: <state_dir>/log/APP.log; "inherit": the daemon's own standard error; or a sink (log_target.h).
  std::string out;
  std::string err = "stdout";
  std::uint64_t max_size = kLogFileSize;
  unsigned keep = kOldLogFiles;
  Format format = Format::plain;  // of the app's output: byte for byte, or with time and instance
  // Of requests. Empty: none; "inherit": the daemon's own standard error; otherwise an absolute path.
  std::string access;
  AccessFormat access_format = AccessFormat::json;
  OnFull on_full = OnFull::drop;  // if none of the app's output can be written for a while
  Millis max_age{0};              // old files last written to before that are removed; 0: never
  std::uint64_t total_size = 0;   // bytes of all its files, old ones too, beyond which the oldest go; 0: any
  bool compress = false;          // old files
};

inline constexpr unsigned kMostInstances = 1000;

struct App {
  std::string name;
  std::vector<std::string> command;
  std::filesystem::path directory;  // empty: the daemon's own
  std::map<std::string, std::string> environment;
  std::vector<EnvironmentFile> environment_file;
  std::string user;  // "user" or "user:group"; empty: the daemon's
  unsigned umask = 022;
  std::optional<std::vector<std::string>> supplementary_groups;  // unset: those of the user
  std::optional<bool> no_new_privileges;                         // unset: true for a user that is not root
  std::vector<std::string> capabilities;                         // "CAP_CHOWN"; each at most once
  bool private_tmp = false;
  std::vector<std::filesystem::path> read_only;  // absolute
  unsigned instances = 1;
  std::optional<unsigned> scaled_from;  // set: `instances` is a command's, and this is what the files said
  EndpointKind endpoint = EndpointKind::port;
  std::vector<std::string> listen;  // names of Config::listeners
  std::vector<Route> routes;        // never empty for a routed app; the default is {host "", path "/"}
  Protocol protocol = Protocol::http;
  bool autostart = true;
  Health health;
  Deploy deploy;
  Restart restart;
  Stop stop;
  Limits limits;
  AppLog log;
  ProxyOptions proxy_options;
  Source source;

  // drain_timeout with "auto" resolved.
  [[nodiscard]] Millis drain_timeout() const {
    return deploy.drain_timeout.value_or(proxy_options.request_timeout + Millis(5000));
  }
};

struct Config {
  Daemon daemon;
  std::vector<Listener> listeners;
  std::vector<App> apps;  // in the order of the files
  std::vector<std::filesystem::path> files;
  uid_t owner = 0;  // of the first file
  Places places;
  std::shared_ptr<const Files> trees;  // what they were read as; null unless daemon.autodiscover is set

  [[nodiscard]] const App* find_app(std::string_view name) const;
  [[nodiscard]] const Listener* find_listener(std::string_view name) const;
};

// daemon.shutdown_timeout with "auto" resolved: the largest drain + stop of these apps, + 10 s.
[[nodiscard]] Millis shutdown_timeout(const Daemon& daemon, const std::vector<const App*>& apps);

}  // namespace gracevisor::config
