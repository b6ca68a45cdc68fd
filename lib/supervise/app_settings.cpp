#include "supervise/app_settings.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

#include "spec/listener_definitions.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {

using Listeners = std::vector<config::Listener>;

void add_listeners(std::vector<config::Setting>& settings, const Listeners& now, const Listeners* files,
                   const config::Places& places) {
  for (const config::Listener& listener : now) {
    if (listener.name.find(':') != std::string::npos) continue;  // an app's own address has no table
    const config::Listener* other = files == nullptr ? nullptr : spec::find_listener(*files, listener.name);
    auto more = config::settings_of(listener, other, places);
    std::move(more.begin(), more.end(), std::back_inserter(settings));
  }
}

std::string errors_text(const std::filesystem::path& file, const std::vector<config::Diagnostic>& errors) {
  const std::size_t more = errors.size() - 1;
  return fmt::format("{} has errors, so this is what is frozen: {}{}: gvctl check", file.string(),
                     errors.front().line(), more == 0 ? "" : fmt::format(" (and {} more)", more));
}

}  // namespace

InForce Supervisor::in_force(const std::string& name) const {
  const AppEntry* entry = find_app(name);
  if (entry == nullptr) return {};
  if (const decide::Generation* live = entry->app->live()) return {live->id(), live->spec()};
  if (const decide::Generation* next = entry->app->candidate()) return {next->id(), next->spec()};
  if (entry->remembered && entry->remembered->live_spec) {
    return {entry->remembered->live, entry->remembered->live_spec};
  }
  return {};
}

std::expected<AppSettings, decide::Refused> Supervisor::app_settings(const std::string& name) const {
  const auto loaded = config::load(settings_.config_file, settings_.config.owner);
  const config::App* files = loaded ? loaded->config.find_app(name) : nullptr;
  const InForce now = in_force(name);
  if (now.spec == nullptr && files == nullptr) {
    if (!loaded && find_app(name) != nullptr) {
      return std::unexpected(decide::Refused{
          base::ExitCode::failed,
          fmt::format("{} has never run, and {}", name, errors_text(settings_.config_file, loaded.error())),
          {}});
    }
    return std::unexpected(
        decide::Refused{base::ExitCode::no_such_app, fmt::format("no app \"{}\"", name), {}});
  }
  AppSettings found{.generation = now.generation, .in_files = files != nullptr};
  if (!loaded) {
    found.remarks.push_back(errors_text(settings_.config_file, loaded.error()));
  } else if (files == nullptr) {
    found.remarks.push_back(fmt::format("{} is not in the files any more: gvctl reload --remove", name));
  } else if (find_app(name) == nullptr) {
    found.remarks.push_back(fmt::format("{} is only in the files yet: gvctl reload {}", name, name));
  } else if (now.spec == nullptr) {
    found.remarks.push_back(fmt::format("{} has never run: gvctl start {}", name, name));
  } else {
    Drift mine;
    if (const Drift::Item* changed = drift().changed(name)) mine.items.push_back(*changed);
    std::string differs =
        line_of(mine, std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())).text;
    if (!differs.empty()) found.remarks.push_back(std::move(differs));
  }
  const config::Places none;
  const config::Places& places = loaded ? loaded->config.places : none;
  const Listeners there =
      files == nullptr ? Listeners() : spec::listeners_of(*files, loaded->config.listeners);
  found.scaled = now.spec != nullptr && now.spec->app.scaled_from.has_value();
  found.settings = config::settings_of(now.spec == nullptr ? *files : now.spec->app, files, places);
  add_listeners(found.settings, now.spec == nullptr ? there : now.spec->listeners,
                files == nullptr ? nullptr : &there, places);
  return found;
}

spec::ConfigCheck Supervisor::check_files() const {
  return spec::check_config(settings_.config_file, settings_.config.owner, &settings_.files.reader());
}

}  // namespace gracevisor::supervise
