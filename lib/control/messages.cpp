#include "control/messages.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

#include "control/json_reader.h"

namespace gracevisor::control {
namespace {

using Json = nlohmann::ordered_json;
using base::Expected;

std::string dump(const Json& json) {
  // App output and file names may not be UTF-8; bad bytes are replaced, never an exception.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json as_json(const InstanceStatus& instance) {
  return Json{{"name", instance.name},
              {"state", instance.state},
              {"pid", instance.pid},
              {"endpoint", instance.endpoint},
              {"uptime_s", or_null(instance.uptime_s)},
              {"in_flight", instance.in_flight},
              {"upgraded", instance.upgraded},
              {"restarts", instance.restarts},
              {"rss_bytes", instance.rss_bytes},
              {"probe_ms", or_null(instance.probe_ms)},
              {"detail", instance.detail}};
}

Json as_json(const AppStatus& app) {
  Json instances = Json::array();
  for (const InstanceStatus& instance : app.instances) instances.push_back(as_json(instance));
  return Json{{"name", app.name},
              {"state", app.state},
              {"generation", app.generation},
              {"healthy", app.healthy},
              {"wanted", app.wanted},
              {"requests", app.requests},
              {"failed", app.failed},
              {"repaired", app.repaired},
              {"since_s", or_null(app.since_s)},
              {"listens", app.listens},
              {"routes", app.routes},
              {"instances", std::move(instances)},
              {"last_deploy", app.last_deploy},
              {"problems", app.problems},
              {"stopped_uid", or_null(app.stopped_uid)},
              {"stopped_s", or_null(app.stopped_s)}};
}

Expected<InstanceStatus> instance_of(const nlohmann::json& json) {
  InstanceStatus instance;
  JsonReader reader(json, "instance");
  reader.read("name", instance.name);
  reader.read("state", instance.state);
  reader.read("pid", instance.pid);
  reader.read("endpoint", instance.endpoint);
  reader.read("uptime_s", instance.uptime_s);
  reader.read("in_flight", instance.in_flight);
  reader.read("upgraded", instance.upgraded);
  reader.read("restarts", instance.restarts);
  reader.read("rss_bytes", instance.rss_bytes);
  reader.read("probe_ms", instance.probe_ms);
  reader.read("detail", instance.detail);
  if (!reader.good()) return std::unexpected(reader.error());
  return instance;
}

Expected<AppStatus> app_of(const nlohmann::json& json) {
  AppStatus app;
  JsonReader reader(json, "app");
  reader.read("name", app.name);
  reader.read("state", app.state);
  reader.read("generation", app.generation);
  reader.read("healthy", app.healthy);
  reader.read("wanted", app.wanted);
  reader.read("requests", app.requests);
  reader.read("failed", app.failed);
  reader.read("repaired", app.repaired);
  reader.read("since_s", app.since_s);
  reader.read("listens", app.listens);
  reader.read("routes", app.routes);
  reader.read_each("instances", app.instances, instance_of);
  reader.read("last_deploy", app.last_deploy);
  reader.read("problems", app.problems);
  reader.read("stopped_uid", app.stopped_uid);
  reader.read("stopped_s", app.stopped_s);
  if (!reader.good()) return std::unexpected(reader.error());
  return app;
}

// Members that have their own field in ReportLine.
constexpr std::array<std::string_view, 4> kReportMembers = {"phase", "at_ms", "text", "exit"};

std::optional<ReportLine::Value> value_of(const nlohmann::json& json) {
  if (const auto* flag = json.get_ptr<const bool*>()) return *flag;
  if (const auto* text = json.get_ptr<const std::string*>()) return *text;
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_integer()) {
    bool fits = !json.is_number_unsigned() || json.get<std::uint64_t>() <= std::uint64_t{INT64_MAX};
    if (fits) return json.get<std::int64_t>();
  }
  return std::nullopt;  // nested or too large: such members come from a newer version
}

}  // namespace

std::string to_json(const Version& message) {
  return dump(Json{{"version", message.version}, {"pid", message.pid}});
}

std::string to_json(const StatusReport& message) {
  Json apps = Json::array();
  for (const AppStatus& app : message.apps) apps.push_back(as_json(app));
  return dump(Json{{"version", message.version},
                   {"pid", message.pid},
                   {"uptime_s", message.uptime_s},
                   {"workers", message.workers},
                   {"epoch", message.epoch},
                   {"apps", std::move(apps)},
                   {"open_files", message.open_files},
                   {"open_files_needed", message.open_files_needed},
                   {"max_connections", message.max_connections},
                   {"problems", message.problems}});
}

std::string to_json(const AppStatus& message) {
  return dump(as_json(message));
}

std::string to_json(const ReportLine& message) {
  Json json{{"phase", message.phase}};
  if (message.at_ms) json["at_ms"] = *message.at_ms;
  json["text"] = message.text;
  for (const auto& [name, value] : message.fields) {
    if (std::find(kReportMembers.begin(), kReportMembers.end(), name) != kReportMembers.end()) continue;
    std::visit([&, &key = name](const auto& v) { json[key] = v; }, value);
  }
  if (message.exit) json["exit"] = *message.exit;
  return dump(json);
}

std::string to_json(const Error& message) {
  Json json{{"error", message.error}, {"exit", static_cast<int>(message.exit)}};
  if (!message.details.empty()) json["details"] = message.details;
  return dump(json);
}

std::string to_json(const LogLine& message) {
  Json json{{"instance", message.instance},
            {"stream", message.stream},
            {"time", message.time},
            {"line", message.line}};
  if (message.cut) json["cut"] = true;
  return dump(json);
}

std::string to_json(const StopOptions& message) {
  return dump(Json{{"now", message.now}});
}

Expected<Version> read_version(std::string_view json) {
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  Version message;
  JsonReader reader(*parsed, "version");
  reader.read("version", message.version);
  reader.read("pid", message.pid);
  if (!reader.good()) return std::unexpected(reader.error());
  return message;
}

Expected<StatusReport> read_status(std::string_view json) {
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  StatusReport message;
  JsonReader reader(*parsed, "status");
  reader.read("version", message.version);
  reader.read("pid", message.pid);
  reader.read("uptime_s", message.uptime_s);
  reader.read("workers", message.workers);
  reader.read("epoch", message.epoch);
  reader.read("open_files", message.open_files);
  reader.read("open_files_needed", message.open_files_needed);
  reader.read("max_connections", message.max_connections);
  reader.read("problems", message.problems);
  reader.read_each("apps", message.apps, app_of);
  if (!reader.good()) return std::unexpected(reader.error());
  return message;
}

Expected<AppStatus> read_app_status(std::string_view json) {
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  return app_of(*parsed);
}

Expected<ReportLine> read_report_line(std::string_view json) {
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  ReportLine message;
  JsonReader reader(*parsed, "report");
  reader.read("phase", message.phase);
  reader.read("at_ms", message.at_ms);
  reader.read("text", message.text);
  reader.read("exit", message.exit);
  if (!reader.good()) return std::unexpected(reader.error());
  for (const auto& [name, member] : parsed->items()) {
    if (std::find(kReportMembers.begin(), kReportMembers.end(), name) != kReportMembers.end()) continue;
    if (auto value = value_of(member)) message.fields.emplace_back(name, std::move(*value));
  }
  return message;
}

Expected<LogLine> read_log_line(std::string_view json) {
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  LogLine message;
  JsonReader reader(*parsed, "log line");
  reader.read("instance", message.instance);
  reader.read("stream", message.stream);
  reader.read("time", message.time);
  reader.read("line", message.line);
  reader.read("cut", message.cut);
  if (!reader.good()) return std::unexpected(reader.error());
  return message;
}

Error read_error(int http_status, std::string_view json) {
  Error message{"the daemon answered " + std::to_string(http_status), exit_for_status(http_status), {}};
  auto parsed = JsonReader::parse(json);
  if (!parsed) return message;
  JsonReader reader(*parsed, "error");
  reader.read("error", message.error);
  std::optional<std::uint8_t> exit;  // what a process can exit with
  reader.read("exit", exit);
  // If the status says nothing, the body does; a refusal never means success.
  if (message.exit == ExitCode::failed && reader.good() && exit.value_or(0) != 0) {
    message.exit = static_cast<ExitCode>(*exit);
  }
  reader.read("details", message.details);
  return message;
}

Expected<StopOptions> read_stop_options(std::string_view json) {
  StopOptions message;
  if (json.empty()) return message;
  auto parsed = JsonReader::parse(json);
  if (!parsed) return std::unexpected(parsed.error());
  JsonReader reader(*parsed, "options");
  reader.read("now", message.now);
  if (!reader.good()) return std::unexpected(reader.error());
  return message;
}

}  // namespace gracevisor::control
