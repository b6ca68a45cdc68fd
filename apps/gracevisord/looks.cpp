// What the control API says of the configuration: what an app runs with, and what a check of the files finds.
#include <fmt/format.h>

#include <algorithm>

#include "api_answers.h"
#include "control/answers.h"
#include "control_api.h"
#include "spec/config_check.h"

namespace gracevisor::daemon {
namespace {

std::vector<std::string> separate_lines(const std::vector<config::Diagnostic>& findings) {
  std::vector<std::string> lines;
  lines.reserve(findings.size());
  for (const config::Diagnostic& finding : findings) lines.push_back(finding.line());
  return lines;
}

control::Setting message_of(const config::Setting& setting, const supervise::AppSettings& of) {
  control::Setting message{.table = setting.table, .key = setting.key, .value = setting.value, .source = {}};
  if (setting.place) message.place = fmt::format("{}:{}", setting.place->file, setting.place->line);
  if (setting.differs) message.files = setting.files;
  if (of.scaled && setting.key == "instances") {
    message.source = "scale";
  } else if (setting.differs || (!of.in_files && !setting.usual)) {
    message.source = "frozen";
  } else if (setting.place) {
    message.source = "file";
  } else {
    message.source = setting.usual ? "default" : "implied";
  }
  return message;
}

}  // namespace

void ControlApi::settings(const Call& call) {
  const auto found = supervisor_.app_settings(call.app);
  if (!found) return refuse(*call.response, found.error().exit, found.error().why);
  const bool all = query_value(call.request, "all") == "1";
  control::Settings message{
      .app = call.app, .generation = found->generation.value(), .remarks = found->remarks, .settings = {}};
  for (const config::Setting& setting : found->settings) {
    if (all || !setting.usual || setting.differs) message.settings.push_back(message_of(setting, *found));
  }
  control::send_json(*call.response, to_json(message));
}

void ControlApi::check(const Call& call) {
  const spec::ConfigCheck check = supervisor_.check_files();
  control::send_json(*call.response, to_json(control::FileCheck{.summary = check.summary,
                                                                .ok = check.loaded.has_value(),
                                                                .map = check.map,
                                                                .warnings = separate_lines(check.warnings),
                                                                .errors = separate_lines(check.errors)}));
}

}  // namespace gracevisor::daemon
