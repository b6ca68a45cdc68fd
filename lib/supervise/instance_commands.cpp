// The supervisor's commands about instances: kill, signal, scale; and what is known of an app's commands and
// environment.
#include <fmt/format.h>

#include "spec/placeholders.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using decide::Refused;

}  // namespace

std::expected<decide::App*, Refused> Supervisor::booted(const std::string& name) {
  boot_now(name);
  AppEntry* entry = entry_of(name);
  if (entry == nullptr) return std::unexpected(no_such_app(name));
  return entry->app.get();
}

std::expected<void, Refused> Supervisor::kill(const std::string& name, const decide::Selection& which,
                                              uid_t by, std::shared_ptr<decide::Report> report) {
  auto app = booted(name);
  if (!app) return std::unexpected(app.error());
  auto begun = (*app)->kill(which, by, std::move(report));
  schedule_turn();
  return begun;
}

std::expected<void, Refused> Supervisor::signal(const std::string& name, const decide::Selection& which,
                                                const decide::SignalOrder& order,
                                                const std::shared_ptr<decide::Report>& report) {
  auto app = booted(name);
  if (!app) return std::unexpected(app.error());
  return (*app)->signal(which, order, report);
}

std::expected<void, Refused> Supervisor::scale(const std::string& name, const Scale& to,
                                               std::shared_ptr<decide::Report> report) {
  auto app = booted(name);
  if (!app) return std::unexpected(app.error());
  if ((*app)->live() == nullptr) return (*app)->scale(1, std::move(report));  // says why not
  config::App next = (*app)->live()->spec()->app;
  std::int64_t wanted = to.instances;
  if (to.to == Scale::To::more) wanted += next.instances;
  if (to.to == Scale::To::files) wanted = next.scaled_from.value_or(next.instances);
  if (wanted < 1) {
    return decide::refused(
        base::ExitCode::usage,
        fmt::format("{} would have {} instances: gvctl stop {} stops it", name, wanted, name));
  }
  if (wanted > config::kMostInstances) {
    return decide::refused(base::ExitCode::usage,
                           fmt::format("an app has at most {} instances", config::kMostInstances));
  }
  next.instances = static_cast<unsigned>(wanted);
  if (const auto shortage = shortage_with({&next}, 0)) {
    return decide::refused(base::ExitCode::preflight_failed, *shortage + "; nothing was changed");
  }
  auto begun = (*app)->scale(next.instances, std::move(report));
  schedule_turn();
  return begun;
}

std::optional<Supervisor::Commands> Supervisor::commands(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  if (entry == nullptr) return std::nullopt;
  return Commands{entry->app->under_way(), world_->holdings(entry->app->id()).history};
}

// As the first of its instances that has an address got it; of an app that does not run, as one would.
std::expected<AppEnvironment, Refused> Supervisor::environment(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  if (entry == nullptr) return std::unexpected(no_such_app(name));
  const decide::Generation* live = entry->app->live();
  if (live == nullptr) {
    return decide::refused(base::ExitCode::failed,
                           fmt::format("{} has not been started yet: gvctl start {}", name, name));
  }
  spec::Placement where = spec::sample_placement(*live->spec());
  where.generation = live->id();
  bool runs = false;
  for (const auto& [who, run] : world_->runs().of(entry->app->id())) {
    if (who.generation != live->id()) continue;
    where = world_->placement_of(*run);
    runs = true;
    break;
  }
  auto found = environment_of(*live->spec(), where);
  if (!found) return decide::refused(base::ExitCode::failed, found.error().what);
  if (!runs) {
    for (Variable& one : found->variables) {
      if (one.name == "PORT" || one.name == "SOCKET") one.value = "(given at its start)";
    }
  }
  return std::move(*found);
}

}  // namespace gracevisor::supervise
