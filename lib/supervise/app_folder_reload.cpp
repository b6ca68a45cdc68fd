// What has changed in the folder of daemon.autodiscover, put into force: a reload of the apps of its changed
// files alone. What keeps one file from being applied does not keep the others.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervise/app_folder.h"
#include "supervise/reload.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using decide::ReloadStep;
using Names = decide::AppFolder::Names;

std::string first_of(const decide::Refused& refused) {
  return refused.details.empty() ? refused.why : refused.details.front();
}

std::vector<std::string> listed(const Names& names) {
  return {names.begin(), names.end()};
}

bool does_nothing(const ReloadPlan& plan) {
  return plan.listeners.empty() && std::ranges::all_of(plan.steps, [](const ReloadStep& step) {
           return step.action == ReloadStep::Action::none;
         });
}

// Of the files that were applied; the others were told when they were read.
void keep_warnings(std::vector<config::Diagnostic>& warnings, const std::filesystem::path& folder,
                   const std::map<std::string, Names>& files) {
  std::erase_if(warnings, [&](const config::Diagnostic& warning) {
    const std::filesystem::path file = warning.source.file;
    return file.parent_path() != folder || !files.contains(file.filename());
  });
}

}  // namespace

void Supervisor::watch_app_folder() {
  const std::filesystem::path& folder = settings_.config.daemon.autodiscover;
  app_folder_.reset();
  if (folder.empty() || settings_.config.trees == nullptr || settings_.safe) return;
  app_folder_ = std::make_unique<AppFolder>(loop_, log_, folder, settings_.config.owner,
                                            app_folder_files(*settings_.config.trees),
                                            [this](const AppFolder::Plan& plan) { apply_app_folder(plan); });
}

// What a reload of everything has put into force.
void Supervisor::note_app_folder(const std::shared_ptr<const config::Files>& trees, bool removed) {
  const auto before = std::exchange(settings_.config.trees, trees);
  configuration_stale_ = true;
  const std::filesystem::path& folder = settings_.config.daemon.autodiscover;
  if (app_folder_ == nullptr || trees == nullptr || app_folder_->path() != folder) {
    watch_app_folder();
    return;
  }
  if (!removed) {
    settings_.config.trees = std::make_shared<const config::Files>(config::with_lost(*trees, *before));
  }
  decide::AppFolder::Files files = app_folder_files(*trees);
  for (const auto& [name, stamp] : app_folder_files(*settings_.config.trees)) {
    if (const auto file = files.find(name); file != files.end()) file->second = stamp;
  }
  app_folder_->reloaded(std::move(files), removed);
}

void Supervisor::apply_app_folder(const decide::AppFolder::Plan& plan) {
  AppFolderWork work{.change = {.changed = plan.changed,
                                .missing = plan.missing,
                                .gone = plan.gone,
                                .may_shrink = plan.shrunk,
                                .stamps = plan.stamps}};
  if (reloading_ || booting()) {
    work.busy = plan.changed;
    work.busy.insert(plan.gone.begin(), plan.gone.end());
  } else {
    // Each time at least one file less.
    while (plan_app_folder(work)) {
    }
  }
  app_folder_->done(plan, work.refused,
                    {.refused = {},
                     .dropped = work.load ? work.load->dropped : Names(),
                     .busy = work.busy,
                     .shrunk = work.shrunk,
                     .emptied = work.emptied});
  if (!work.plan) return;
  settings_.config.trees = work.plan->config.trees;
  configuration_stale_ = true;
  if (does_nothing(*work.plan)) return;
  keep_warnings(work.plan->warnings, app_folder_->path(), work.load->apps);
  Names files;
  for (const auto& [name, apps] : work.load->apps) files.insert(name);
  log_.info("autodiscover files=\"{}\"", fmt::join(files, " "));
  begin(std::move(*work.plan), new_report({"autodiscover"}));
}

// Returns whether to try again, without what kept it from being done.
bool Supervisor::plan_app_folder(AppFolderWork& work) const {
  work.load.reset();
  work.shrunk.clear();
  work.emptied.clear();
  if (work.change.changed.empty() && work.change.gone.empty()) return false;
  auto load =
      config::load_app_folder(*settings_.config.trees, app_folder_->path(), work.change, app_folder_->user());
  if (!load) {
    const std::string why = load.error().front().line();
    for (const std::string& name : work.change.changed) work.refused[name] = why;
    for (const std::string& name : work.change.gone) work.refused[name] = why;
    return false;
  }
  // What the time before said of what is still tried no longer counts.
  std::erase_if(work.refused, [&](const auto& one) {
    return work.change.changed.contains(one.first) || work.change.gone.contains(one.first);
  });
  for (const auto& [name, errors] : load->refused) work.refused[name] = errors.front().line();
  work.busy.insert(load->unsettled.begin(), load->unsettled.end());
  work.shrunk = load->shrunk;
  work.emptied = load->emptied;
  for (config::App& app : load->loaded.config.apps) keep_scale(app);
  Names busy;
  for (const auto& [name, apps] : load->apps) {
    if (std::ranges::any_of(apps, [this](const auto& app) { return is_busy(app); })) busy.insert(name);
  }
  if (!busy.empty()) {
    work.leave_out(busy);
    work.busy.merge(busy);
    return true;
  }
  Names all;
  for (const auto& [name, apps] : load->apps) all.insert(apps.begin(), apps.end());
  auto planned = plan_apps(all, load->loaded, Depth::open);
  if (planned) {
    work.load = std::move(*load);
    work.plan = std::move(*planned);
    return false;
  }
  Names refused;
  for (const auto& [name, apps] : load->apps) {
    auto alone = plan_apps(apps, load->loaded, Depth::try_out);
    if (alone) continue;
    refused.insert(name);
    work.refused[name] = first_of(alone.error());
  }
  // Only together they do not do.
  if (refused.empty()) {
    for (const auto& [name, apps] : load->apps) {
      refused.insert(name);
      work.refused[name] = first_of(planned.error());
    }
  }
  work.leave_out(refused);
  return !refused.empty();
}

bool Supervisor::is_busy(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  return entry != nullptr && !entry->app->can_deploy();
}

// A reload of those apps alone, and without those among them that the files no longer have.
std::expected<ReloadPlan, decide::Refused> Supervisor::plan_apps(Names apps, config::Loaded files,
                                                                 Depth depth) const {
  std::erase_if(apps, [&](const std::string& name) {
    return files.config.find_app(name) == nullptr && find_app(name) == nullptr;
  });
  if (auto kept = spec::can_keep_records(settings_.config.daemon.state_dir); !kept) {
    return std::unexpected(decide::Refused{
        base::ExitCode::preflight_failed, "a reload could not be recorded: " + kept.error().what, {}});
  }
  if (!apps.empty()) {
    return plan_reload({.apps = listed(apps), .remove = true}, std::move(files), depth);
  }
  // No apps would mean all of them.
  return ReloadPlan{.config = std::move(files.config), .steps = {}, .specs = {}, .opened = nullptr};
}

void AppFolderWork::leave_out(const Names& names) {
  for (const std::string& name : names) {
    change.changed.erase(name);
    change.gone.erase(name);
    change.missing.erase(name);
  }
}

}  // namespace gracevisor::supervise
