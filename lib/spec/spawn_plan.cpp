#include <fmt/format.h>

#include "base/capability_name.h"
#include "spec/environment_file.h"
#include "spec/placeholders.h"
#include "spec/program.h"
#include "spec/spec.h"

namespace gracevisor::spec {
namespace {

using base::Expected;

// The spec's variables, filled, and below them those of the placement and the user. A variable of the
// configuration wins over one of ours, and PORT, HOST and SOCKET win over a file: a forgotten PORT=3000 in a
// file would make the app listen where the proxy does not connect.
Expected<Environment> fill_environment(const Spec& spec, const Placement& placement,
                                       const config::Values& values) {
  Environment result;
  if (spec.credentials) {
    result["HOME"] = spec.credentials->home.empty() ? "/" : spec.credentials->home;
    result["SHELL"] = spec.credentials->shell.empty() ? "/bin/sh" : spec.credentials->shell;
    if (!spec.credentials->name.empty()) {
      result["USER"] = spec.credentials->name;
      result["LOGNAME"] = spec.credentials->name;
    }
  }
  for (const auto& [key, value] : spec.environment) result.insert_or_assign(key, value);
  if (placement.port.value() != 0) {
    result["PORT"] = std::to_string(placement.port.value());
    result["HOST"] = "127.0.0.1";
  }
  if (!placement.socket.empty()) result["SOCKET"] = placement.socket;
  // Only the table of the configuration has placeholders; braces from elsewhere are meant literally.
  for (const auto& [key, text] : spec.app.environment) {
    auto value = fill(text, values);
    if (!value) return key_error(spec.app, "environment." + key, value.error());
    result.insert_or_assign(key, std::move(*value));
  }
  return result;
}

// The marks come first: they identify a stray process (process_table.h), and foreign marks are not passed on.
std::vector<std::string> as_entries(const Spec& spec, const Placement& placement, Environment environment) {
  std::vector<std::string> entries;
  entries.push_back("GV_APP=" + spec.app.name);
  entries.push_back(fmt::format("GV_INSTANCE={}.{}", placement.generation.value(), placement.slot.value()));
  entries.push_back(fmt::format("GV_GENERATION={}", placement.generation.value()));
  if (!placement.state.empty()) entries.push_back("GV_STATE=" + placement.state);
  for (const char* own : {"GV_APP", "GV_INSTANCE", "GV_GENERATION", "GV_STATE", "GV_RUN"}) {
    environment.erase(own);
  }
  for (const auto& [key, value] : environment) entries.push_back(fmt::format("{}={}", key, value));
  return entries;
}

spawn::Limits limits_of(const config::Limits& limits) {
  spawn::Limits result;
  if (limits.nofile) result.open_files = {limits.nofile->soft, limits.nofile->hard};
  if (limits.nproc) result.processes = {*limits.nproc, *limits.nproc};
  if (limits.core) result.core = {*limits.core, *limits.core};
  result.nice = limits.nice;
  if (limits.io_class) result.io_priority = limits.io_class->value();
  result.oom_score_adj = limits.oom_score_adj;
  result.memory = limits.memory;
  result.tasks = limits.tasks;
  result.cpu = limits.cpu;
  return result;
}

// Each has been read as one; of a name that another version knew, nothing is kept.
std::uint64_t capabilities_of(const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    if (const auto number = base::capability_number(name)) {
      bits |= std::uint64_t{1} << static_cast<unsigned>(*number);
    }
  }
  return bits;
}

}  // namespace

SpawnPlan common_plan(const Spec& spec) {
  SpawnPlan result;
  result.directory = spec.directory.string();
  result.credentials = spec.credentials;
  result.limits = limits_of(spec.app.limits);
  result.umask = spec.app.umask;
  result.capabilities = capabilities_of(spec.app.capabilities);
  result.no_new_privileges = spec.no_new_privileges;
  result.private_tmp = spec.app.private_tmp;
  for (const auto& path : spec.app.read_only) result.read_only.push_back(path.string());
  return result;
}

Expected<SpawnPlan> plan(const Spec& spec, const Placement& placement) {
  auto values = values_of(spec, placement);
  SpawnPlan result = common_plan(spec);
  for (const auto& word : spec.app.command) {
    auto filled = fill(word, values);
    if (!filled) return key_error(spec.app, "command", filled.error());
    result.argv.push_back(std::move(*filled));
  }
  if (result.argv.empty()) return key_error(spec.app, "command", base::Error{"is missing"});
  auto environment = fill_environment(spec, placement, values);
  if (!environment) return std::unexpected(environment.error());

  // Empty when freeze() calls this.
  bool found_already = !spec.program.empty() && !varies(spec, spec.app.command.front());
  if (found_already) {
    result.program = spec.program;
  } else {
    auto path = environment->find("PATH");
    auto found = find_program(result.argv.front(), spec.directory,
                              path == environment->end() ? kDefaultPath : path->second);
    if (!found) return key_error(spec.app, "command", found.error());
    result.program = std::move(*found);
  }
  result.environment = as_entries(spec, placement, std::move(*environment));
  return result;
}

}  // namespace gracevisor::spec
