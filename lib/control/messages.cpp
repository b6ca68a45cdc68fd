#include "control/messages.h"

#include <algorithm>

#include "control/archive.h"

namespace gracevisor::control {

using base::Expected;

namespace {

// Strict: an option that this version does not know would not be carried out.
template <class M>
Expected<M> read_options(std::string_view json) {
  M options;
  if (json.empty()) return options;
  auto parsed = MessageReader::parse(json);
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  const auto known = MemberNames::of(options);
  if (parsed->is_object()) {
    for (const auto& [name, value] : parsed->items()) {
      if (std::ranges::find(known, name) != known.end()) continue;
      return base::fail("options: \"" + name + "\" is not known here");
    }
  }
  MessageReader reader(*parsed);
  fields(reader, options);
  if (reader.error()) return std::unexpected(*reader.error());
  return options;
}

}  // namespace

std::string to_json(const Version& message) {
  return MessageWriter::text(message);
}

std::string to_json(const StatusReport& message) {
  return MessageWriter::text(message);
}

std::string to_json(const ReportLine& message) {
  return MessageWriter::text(message);
}

std::string to_json(const Error& message) {
  return MessageWriter::text(message);
}

std::string to_json(const LogLine& message) {
  return MessageWriter::text(message);
}

std::string to_json(const StopOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const StartOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const ReloadOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const KillOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const SignalOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const ScaleOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const UpgradeOptions& message) {
  return MessageWriter::text(message);
}

std::string to_json(const History& message) {
  return MessageWriter::text(message);
}

std::string to_json(const Environment& message) {
  return MessageWriter::text(message);
}

std::string to_json(const Settings& message) {
  return MessageWriter::text(message);
}

std::string to_json(const FileCheck& message) {
  return MessageWriter::text(message);
}

Expected<Version> read_version(std::string_view json) {
  return MessageReader::read<Version>(json);
}

Expected<StatusReport> read_status(std::string_view json) {
  return MessageReader::read<StatusReport>(json);
}

Expected<ReportLine> read_report_line(std::string_view json) {
  return MessageReader::read<ReportLine>(json);
}

Expected<LogLine> read_log_line(std::string_view json) {
  return MessageReader::read<LogLine>(json);
}

Error read_error(int http_status, std::string_view json) {
  Error message{"the daemon answered " + std::to_string(http_status), exit_for_status(http_status), {}};
  auto parsed = MessageReader::parse(json);
  if (!parsed) return message;
  Error said{message.error, ExitCode::done, {}};
  MessageReader reader(*parsed);
  fields(reader, said);
  // If the status says nothing, the body does; a refusal never means success.
  const bool says_more = message.exit == ExitCode::failed && said.exit != ExitCode::done;
  if (!says_more) said.exit = message.exit;
  return said;
}

Expected<History> read_history(std::string_view json) {
  return MessageReader::read<History>(json);
}

Expected<Environment> read_environment(std::string_view json) {
  return MessageReader::read<Environment>(json);
}

Expected<Settings> read_settings(std::string_view json) {
  return MessageReader::read<Settings>(json);
}

Expected<FileCheck> read_check(std::string_view json) {
  return MessageReader::read<FileCheck>(json);
}

Expected<StopOptions> read_stop_options(std::string_view json) {
  return read_options<StopOptions>(json);
}

Expected<StartOptions> read_start_options(std::string_view json) {
  return read_options<StartOptions>(json);
}

Expected<ReloadOptions> read_reload_options(std::string_view json) {
  return read_options<ReloadOptions>(json);
}

Expected<KillOptions> read_kill_options(std::string_view json) {
  return read_options<KillOptions>(json);
}

Expected<SignalOptions> read_signal_options(std::string_view json) {
  return read_options<SignalOptions>(json);
}

Expected<ScaleOptions> read_scale_options(std::string_view json) {
  return read_options<ScaleOptions>(json);
}

Expected<UpgradeOptions> read_upgrade_options(std::string_view json) {
  auto options = read_options<UpgradeOptions>(json);
  if (!options) return options;
  const std::string& to = options->to;
  if (options->timeout_ms > UpgradeOptions::kLongest) return base::fail("options.timeout_ms: more than 24 h");
  if (to.find('\0') != std::string::npos) return base::fail("options.to: a path has no byte 0");
  if (!to.empty() && !to.starts_with('/')) return base::fail("options.to: not an absolute path");
  if (to.size() > UpgradeOptions::kLongestPath) return base::fail("options.to: longer than any path");
  return options;
}

}  // namespace gracevisor::control
