#include "supervise/drift.h"

#include <fmt/format.h>

#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using Action = decide::ReloadStep::Action;

std::string remedy(const decide::ReloadStep& step) {
  const bool deploy = std::ranges::any_of(step.differences, &config::Difference::takes_deploy);
  return fmt::format("gvctl {} {}", deploy ? "deploy" : "reload", step.app);
}

std::vector<std::filesystem::path> environment_files(const config::Config& config) {
  std::vector<std::filesystem::path> files;
  for (const config::App& app : config.apps) {
    for (const config::EnvironmentFile& file : app.environment_file) files.push_back(file.path);
  }
  return files;
}

}  // namespace

// Not while apps are still to be booted, nor during a reload: what they differ in is about to change.
const Drift& Supervisor::drift() const {
  static const Drift kNone;
  if (!boot_queue_.waiting().empty() || reloading_ || shutdown_.begun()) return kNone;
  constexpr base::Duration kOldest = std::chrono::seconds(5);
  if (drift_.files.empty()) {
    drift_.files = settings_.config.files;
    drift_.others = environment_files(settings_.config);
  }
  DriftMemory::Basis basis = drift_basis();
  if (drift_.known && drift_.basis == basis && now() - drift_.found_at < kOldest) return drift_.drift;
  drift_.drift = find_drift();
  drift_.basis = std::move(basis);
  drift_.found_at = now();
  drift_.known = true;
  return drift_.drift;
}

DriftMemory::Basis Supervisor::drift_basis() const {
  DriftMemory::Basis basis{.files = FileStamps(drift_.files, drift_.others), .specs = {}, .free = {}};
  for (const auto& [id, entry] : apps_) {
    basis.specs.push_back(entry.app->live() != nullptr ? entry.app->live()->spec() : nullptr);
    basis.free.push_back(entry.app->can_deploy().has_value());
  }
  return basis;
}

Drift Supervisor::find_drift() const {
  Drift found;
  auto plan = plan_reload({}, Opening::later);
  const std::string file = settings_.config_file.filename().string();
  if (!plan) {
    const auto& details = plan.error().details;
    found.others.push_back(fmt::format("{} cannot be put into force: {}{}", file,
                                       details.empty() ? plan.error().why : details.front(),
                                       details.size() > 1 ? " …: gvctl reload --dry-run" : ""));
    // A single one has been told already.
    for (const std::string& detail : details.size() > 1 ? details : std::vector<std::string>()) {
      for (const auto& [id, entry] : apps_) {
        const std::string& name = entry.app->name();
        const auto says_it = [&](const std::string& problem) { return problem.ends_with(detail); };
        const bool known = std::ranges::any_of(entry.problems, says_it);
        if (known || detail.find("app." + name + ".") == std::string::npos) continue;
        found.apps.emplace(name, fmt::format("{} cannot be put into force: {}", file, detail));
      }
    }
    return found;
  }
  drift_.files = plan->config.files;
  drift_.others = environment_files(plan->config);
  for (const decide::ReloadStep& step : plan->steps) {
    const AppEntry* entry = find_app(step.app);
    const decide::Generation* live = entry == nullptr ? nullptr : entry->app->live();
    if (step.action == Action::none || step.action == Action::skip) continue;
    if (step.action == Action::leave) {
      found.apps[step.app] = fmt::format("{} no longer has it: gvctl reload --remove", file);
    } else if (live != nullptr) {
      found.apps[step.app] = fmt::format("configuration differs from {}: {}: {}", live->name(),
                                         spec::names_of(step.differences), remedy(step));
    } else if (entry == nullptr) {
      found.others.push_back(fmt::format("{} has a new app, {}: gvctl reload {}", file, step.app, step.app));
    }
  }
  for (const decide::ReportLine& remark : plan->remarks) {
    if (remark.phase == "listener") {
      found.others.push_back(
          fmt::format("{} has another {}: {}: gvctl reload", file, remark.app, remark.text));
    }
  }
  if (!plan->daemon.empty()) {
    found.others.push_back(fmt::format("{} differs in [daemon]: {}: gvctl reload --dry-run", file,
                                       spec::names_of(plan->daemon)));
  }
  return found;
}

}  // namespace gracevisor::supervise
