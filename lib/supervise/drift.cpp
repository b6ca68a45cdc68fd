#include "supervise/drift.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "base/file_stamp.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using Action = decide::ReloadStep::Action;

std::vector<std::filesystem::path> environment_files(const config::Config& config) {
  std::vector<std::filesystem::path> files;
  for (const config::App& app : config.apps) {
    for (const config::EnvironmentFile& file : app.environment_file) files.push_back(file.path);
  }
  return files;
}

// By ctime, which no copy keeps; unset: it is not there.
std::optional<base::FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return base::stamp_of(status);
}

std::optional<std::chrono::sys_seconds> changed_at(const std::filesystem::path& file) {
  const auto stamp = stamp_of(file);
  if (!stamp) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(stamp->changed_s));
}

bool changed_later(const std::filesystem::path& one, const std::filesystem::path& other) {
  const base::FileStamp first = stamp_of(one).value_or(base::FileStamp());
  const base::FileStamp second = stamp_of(other).value_or(base::FileStamp());
  return std::tie(first.changed_s, first.changed_ns) > std::tie(second.changed_s, second.changed_ns);
}

// Of the files that an app is made of, the one that changed last.
std::filesystem::path newest_file(const config::App& app) {
  std::filesystem::path newest = app.source.file;
  for (const config::EnvironmentFile& file : app.environment_file) {
    if (changed_later(file.path, newest)) newest = file.path;
  }
  return newest;
}

}  // namespace

// Not while apps are still to be booted, nor during a reload: what they differ in is about to change.
const Drift& Supervisor::drift() const {
  static const Drift kNone;
  if (booting() || reloading_ || shutdown_.begun()) return kNone;
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

std::string Supervisor::short_name(const std::filesystem::path& file) const {
  const std::filesystem::path below = file.lexically_relative(settings_.config_file.parent_path());
  return below.empty() || *below.begin() == ".." ? file.string() : below.string();
}

Drift::Item Supervisor::drift_in(const std::filesystem::path& file) const {
  return {.file = short_name(file), .changed = changed_at(file)};
}

// An app that the files no longer have: its own file, unless others are read without it.
Drift::Item Supervisor::drift_of_gone(const AppEntry& entry, const config::Config& config) const {
  const std::filesystem::path file = face(entry).config->source.file;
  const bool read = std::ranges::find(config.files, file) != config.files.end();
  Drift::Item item = drift_in(file);
  if (item.changed && !read) item = drift_in(settings_.config_file);
  item.kind = Drift::Item::Kind::gone;
  item.name = entry.app->name();
  return item;
}

void Supervisor::find_faults(const decide::Refused& refused, Drift& found) const {
  const std::string file = settings_.config_file.filename().string();
  const std::vector<std::string>& details = refused.details;
  found.fault =
      fmt::format("{} cannot be put into force: {}{}", file, details.empty() ? refused.why : details.front(),
                  details.size() > 1 ? " …: gvctl reload --dry-run" : "");
  if (details.size() < 2) return;  // a single one has been told already
  for (const std::string& detail : details) {
    for (const auto& [id, entry] : apps_) {
      const std::string& name = entry.app->name();
      const auto says_it = [&](const std::string& problem) { return problem.ends_with(detail); };
      const bool known = std::ranges::any_of(entry.problems, says_it);
      if (known || detail.find("app." + name + ".") == std::string::npos) continue;
      found.faults.emplace(name, fmt::format("{} cannot be put into force: {}", file, detail));
    }
  }
}

Drift Supervisor::find_drift() const {
  using Kind = Drift::Item::Kind;
  Drift found;
  auto plan = plan_reload({}, Depth::compare);
  if (!plan) {
    find_faults(plan.error(), found);
    return found;
  }
  const config::Config& config = plan->config;
  drift_.files = config.files;
  drift_.others = environment_files(config);
  for (const decide::ReloadStep& step : plan->steps) {
    const AppEntry* entry = find_app(step.app);
    const decide::Generation* live = entry == nullptr ? nullptr : entry->app->live();
    if (step.action == Action::none || step.action == Action::skip) continue;
    if (step.action == Action::leave) {
      if (entry != nullptr) found.items.push_back(drift_of_gone(*entry, config));
      continue;
    }
    const config::App* app = config.find_app(step.app);
    if (app == nullptr || (live == nullptr && entry != nullptr)) continue;
    Drift::Item& item = found.items.emplace_back(drift_in(newest_file(*app)));
    item.kind = live != nullptr ? Kind::changed : Kind::fresh;
    item.name = step.app;
    item.keys = spec::key_names(step.differences);
  }
  for (const decide::ReportLine& remark : plan->remarks) {
    if (remark.phase != "listener") continue;
    const config::Listener* listener = config.find_listener(remark.app);
    Drift::Item& item = found.items.emplace_back(listener == nullptr ? drift_in(settings_.config_file)
                                                                     : drift_in(listener->source.file));
    item.kind = Kind::listener;
    item.name = remark.app;
    item.what = remark.text;
  }
  if (!plan->daemon.empty()) {
    Drift::Item& item = found.items.emplace_back(drift_in(settings_.config_file));
    item.kind = Kind::daemon;
    item.name = "[daemon]";
    item.keys = spec::key_names(plan->daemon);
  }
  return found;
}

DriftLine Supervisor::drift_line(const std::set<std::string>& except) const {
  return line_of(drift(), std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), except);
}

void Supervisor::tell_drift(const DriftLine& line, decide::Report& report) const {
  if (line.text.empty() || report.finished()) return;
  report.add(now(), {.phase = "drift", .text = line.text, .keys = line.keys});
}

}  // namespace gracevisor::supervise
