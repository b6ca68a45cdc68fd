// What apps share with others or with the daemon: routes of a listener, the ports of instances, the folder of
// their sockets, log files.
#include <fmt/format.h>

#include <map>
#include <optional>
#include <tuple>

#include "config/draft.h"
#include "config/log_target.h"
#include "config/socket_path.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

std::string describe_route(const Route& route) {
  if (route.host.empty() && route.path == "/") return "every host and path";
  return quote_briefly(route_text(route));
}

// How an access log is written: several logs may share a file if this is equal.
struct AccessWay {
  AccessFormat format;
  std::uint64_t max_size;
  unsigned keep;
  Millis max_age;
  std::uint64_t total_size;
  bool compress;
  bool operator==(const AccessWay&) const = default;
};

struct LogFile {
  std::string path;
  std::string key;  // "app.web.log.stdout"
  Source source;
  std::optional<AccessWay> access = std::nullopt;  // unset: not an access log
};

bool is_file(const std::string& access_path) {
  return !access_path.empty() && access_path != "inherit";
}

void add_access_logs(const Draft& draft, std::vector<LogFile>& out) {
  for (const AppDraft& app : draft.apps) {
    const AppLog& log = app.app.log;
    if (!is_file(log.access)) continue;
    out.push_back(
        {log.access, app.path + ".log.access", source_of(app, "log", "access"),
         AccessWay{log.access_format, log.max_size, log.keep, log.max_age, log.total_size, log.compress}});
  }
  for (const ListenerDraft& entry : draft.listeners) {
    const Listener& listener = entry.listener;
    if (entry.table == nullptr || !is_file(listener.access_log)) continue;
    out.push_back({listener.access_log, entry.path + ".access_log",
                   find(*entry.table, "access_log")->value.source,
                   AccessWay{listener.access_format, listener.access_max_size, listener.access_keep,
                             listener.access_max_age, listener.access_total_size, listener.access_compress}});
  }
}

std::vector<LogFile> log_files(const Draft& draft) {
  std::vector<LogFile> out;
  if (const std::string& file = draft.daemon.log.file; !file.empty() && !log_sink(file))
    out.push_back({file, "daemon.log.file", {}});
  for (const AppDraft& app : draft.apps) {
    const AppLog& log = app.app.log;
    if (log.out.empty()) {
      out.push_back({(draft.daemon.state_dir / "log" / (app.app.name + ".log")).string(),
                     app.path + ".log.stdout", source_of(app, "log", "stdout")});
    } else if (log.out != "inherit" && !log_sink(log.out)) {
      out.push_back({log.out, app.path + ".log.stdout", source_of(app, "log", "stdout")});
    }
    if (log.err != "stdout" && log.err != "inherit" && !log_sink(log.err)) {
      out.push_back({log.err, app.path + ".log.stderr", source_of(app, "log", "stderr")});
    }
  }
  add_access_logs(draft, out);
  return out;
}

void check_ports(const Draft& draft, Findings& findings) {
  unsigned needed = 0;
  for (const AppDraft& app : draft.apps) {
    if (app.app.endpoint == EndpointKind::port) needed += app.app.instances;
  }
  const PortRange& range = draft.daemon.port_range;
  unsigned ports = 1U + range.last.value() - range.first.value();
  Source source = draft.port_range;
  if (source.file.empty() && !draft.apps.empty()) source = draft.apps.front().app.source;
  if (ports < needed) {
    findings.error(source,
                   fmt::format("daemon.port_range: {} ports are too few for {} instances", ports, needed));
  } else if (ports < 2 * needed) {
    findings.warning(source,
                     fmt::format("daemon.port_range: {} ports are too few to deploy all {} instances at "
                                 "once, as the old ones run beside the new ones",
                                 ports, needed));
  }
}

// Checked before anything starts: an instance whose path is too long could never be reached.
void check_socket_paths(const Draft& draft, Findings& findings) {
  for (const AppDraft& app : draft.apps) {
    if (!is_unix(app.app.endpoint)) continue;
    std::string path = longest_socket_path(draft.daemon.runtime_dir, app.app).string();
    if (path.size() <= kLongestSocketPath) continue;
    findings.error(
        source_of(app, "endpoint"),
        fmt::format("{}.endpoint: the path of an instance's socket may become {} bytes long ({}), and "
                    "the system's limit is {}: shorten daemon.runtime_dir or the app's name by {}",
                    app.path, path.size(), path, kLongestSocketPath, path.size() - kLongestSocketPath));
  }
}

}  // namespace

void check_routes(const Draft& draft, Findings& findings) {
  struct Owner {
    const AppDraft* app;
    Source source;
  };
  std::map<std::tuple<std::string, std::string, std::string>, Owner> owners;
  for (const AppDraft& app : draft.apps) {
    if (app.app.protocol == Protocol::tcp) continue;  // never shares a listener: check_listeners()
    for (const std::string& listener : app.app.listen) {
      for (const Route& route : app.app.routes) {
        auto [owner, fresh] =
            owners.emplace(std::tuple(listener, route.host, route.path), Owner{&app, route.source});
        if (fresh || owner->second.app == &app) continue;
        findings.error(
            route.source,
            fmt::format("{}.route: {} on {} belongs to {} already, at {}{}", app.path, describe_route(route),
                        key_text(listener), owner->second.app->path, place(owner->second.source),
                        route.host.empty() && route.path == "/" ? ": give one of them a route" : ""));
      }
    }
  }
}

void check_shared(const Draft& draft, Findings& findings) {
  check_ports(draft, findings);
  check_socket_paths(draft, findings);
  std::map<std::string, LogFile> seen;
  for (const LogFile& log : log_files(draft)) {
    auto [first, fresh] = seen.emplace(log.path, log);
    const LogFile& other = first->second;
    // Neither grows nor is rotated.
    if (log.path == "/dev/null" || log.path == "/dev/stdout" || log.path == "/dev/stderr") continue;
    if (fresh || (log.access && log.access == other.access)) continue;
    // A file has one writer, which rotates it.
    std::string where = other.source.file.empty() ? "" : " at " + place(other.source);
    std::string_view hint =
        log.access && other.access ? ", with another access_format, max_size, keep or the like" : "";
    findings.error(log.source, fmt::format("{}: {} is written by {} already{}{}", log.key,
                                           quote_briefly(log.path), other.key, where, hint));
  }
}

}  // namespace gracevisor::config
