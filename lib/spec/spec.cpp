#include "spec/spec.h"

#include <fmt/format.h>

#include "spec/credentials.h"
#include "spec/environment_file.h"
#include "spec/placeholders.h"
#include "spec/rights.h"
#include "spec/surroundings.h"

namespace gracevisor::spec {

std::unexpected<base::Error> key_error(const config::App& app, std::string_view key,
                                       const base::Error& cause) {
  return base::fail_at(fmt::format("app.{}.{}", app.name, key), cause);
}

namespace {

using base::Expected;

void add_identity(const Credentials& who, Environment& into) {
  auto add = [&into](const char* key, const std::string& value) {
    if (!value.empty()) into.insert_or_assign(key, value);
  };
  add("HOME", who.home);
  add("USER", who.name);
  add("LOGNAME", who.name);
  add("SHELL", who.shell);
}

// What is wrong with `key`, behind its place; without one if the app does not come from files.
std::unexpected<base::Error> placed(const config::App& app, const config::Places& places,
                                    std::string_view key, const base::Error& error) {
  const config::Source* found = places.find_key(fmt::format("app.{}.{}", app.name, key));
  const config::Source& at = found != nullptr ? *found : app.source;
  if (at.file.empty()) return std::unexpected(error);
  return base::fail_at(fmt::format("{}:{}:{}", at.file, at.line, at.column), error);
}

}  // namespace

std::unexpected<base::Error> placed_error(const config::App& app, const config::Places& places,
                                          std::string_view key, const base::Error& cause) {
  return placed(app, places, key, key_error(app, key, cause).error());
}

namespace {

Expected<void> read_environment(Spec& spec, const config::Places& places, const FileReader& reader,
                                std::vector<std::string>& hints) {
  const auto& app = spec.app;
  const Environment from_daemon = inherited_environment();
  spec.environment = from_daemon;
  if (!spec.credentials) add_identity(own_credentials(), spec.environment);
  for (const auto& file : app.environment_file) {
    auto read = read_environment_file(spec.directory / file.path, file.optional, spec.environment, hints,
                                      reader, spec.credentials);
    if (!read) return placed_error(app, places, "environment_file", read.error());
  }
  for (const auto& [key, value] : app.environment) {
    bool sound = !key.empty() && key.find('=') == std::string::npos && key.find('\0') == std::string::npos;
    if (!sound)
      return placed_error(app, places, "environment",
                          base::Error{"a name cannot be empty or hold \"=\" or NUL"});
    spec.environment.insert_or_assign(key, value);
  }
  // What a file or the table sets is no longer inherited, except to the same value.
  for (const auto& [key, value] : from_daemon) {
    if (spec.environment.at(key) == value && !app.environment.contains(key)) spec.inherited.push_back(key);
  }
  return {};
}

// Checks that every placeholder is known, for any placement.
Expected<void> check_texts(const Spec& spec, const config::Places& places) {
  const auto& app = spec.app;
  auto values = values_of(spec, sample_placement(spec));
  for (const auto& word : app.command) {
    if (auto filled = fill(word, values); !filled)
      return placed_error(app, places, "command", filled.error());
  }
  for (const auto& [key, value] : app.environment) {
    auto filled = fill(value, values);
    if (!filled) return placed_error(app, places, "environment." + key, filled.error());
  }
  return {};
}

Expected<void> resolve_program(Spec& spec, const config::Places& places) {
  const auto& app = spec.app;
  if (app.command.empty()) return placed_error(app, places, "command", base::Error{"is missing"});
  if (auto sound = check_texts(spec, places); !sound) return sound;
  // If the program depends on the slot or port, there is no single file to look at; plan() finds it.
  if (varies(spec, app.command.front())) {
    spec.program = app.command.front();
    return {};
  }
  auto found = plan(spec, sample_placement(spec));
  if (!found) return placed(app, places, "command", found.error());
  spec.program = std::move(found->program);
  return {};
}

Expected<void> resolve_user(Spec& spec, const config::Places& places) {
  const config::App& app = spec.app;
  if (!app.user.empty()) {
    auto who = look_up_credentials(app.user);
    if (!who) return placed_error(app, places, "user", who.error());
    spec.credentials = std::move(*who);
  }
  const bool other = spec.credentials && spec.credentials->uid != 0;
  spec.no_new_privileges = app.no_new_privileges.value_or(other);
  if (!app.supplementary_groups) return {};
  auto groups = look_up_groups(*app.supplementary_groups);
  if (!groups) return placed_error(app, places, "supplementary_groups", groups.error());
  if (!spec.credentials) spec.credentials = own_credentials();
  spec.credentials->groups = std::move(*groups);
  return {};
}

// The first that cannot be given.
Expected<void> check_rights(const Spec& spec, const config::Places& places) {
  SpawnPlan wanted = common_plan(spec);
  if (!varies(spec, spec.app.command.front())) wanted.program = spec.program;
  const auto found = refusals(wanted, own_rights_to_give());
  if (found.empty()) return {};
  return placed_error(spec.app, places, found.front().key, base::Error{found.front().why});
}

}  // namespace

Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                         const FileReader& reader) {
  std::vector<std::string> hints;
  return freeze(app, std::move(listeners), {}, reader, hints);
}

Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                         const config::Places& places, const FileReader& reader,
                         std::vector<std::string>& hints) {
  auto spec = std::make_shared<Spec>();
  spec->app = app;
  spec->listeners = std::move(listeners);
  auto directory = resolve_directory(app);
  if (!directory) return placed_error(app, places, "directory", directory.error());
  spec->directory = std::move(*directory);
  if (auto resolved = resolve_user(*spec, places); !resolved) return std::unexpected(resolved.error());
  if (auto read = read_environment(*spec, places, reader, hints); !read) return std::unexpected(read.error());
  if (auto resolved = resolve_program(*spec, places); !resolved) return std::unexpected(resolved.error());
  if (auto given = check_rights(*spec, places); !given) return std::unexpected(given.error());
  return spec;
}

}  // namespace gracevisor::spec
