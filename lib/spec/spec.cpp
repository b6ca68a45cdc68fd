#include "spec/spec.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "spec/credentials.h"
#include "spec/environment_file.h"
#include "spec/placeholders.h"
#include "spec/program.h"

namespace gracevisor::spec {

std::unexpected<base::Error> key_error(std::string_view app, std::string_view key, const base::Error& cause) {
  return base::fail_at(fmt::format("app.{}.{}", app, key), cause);
}

namespace {

using base::Expected;

Expected<std::filesystem::path> resolve_directory(const config::App& app) {
  std::error_code failed;
  auto given = app.directory.empty() ? std::filesystem::current_path(failed) : app.directory;
  if (failed) return base::fail_errno("the daemon's working directory", failed.value());
  auto resolved = std::filesystem::canonical(given, failed);
  if (failed) return base::fail_errno(given.string(), failed.value());
  if (!std::filesystem::is_directory(resolved, failed)) return base::fail_errno(given.string(), ENOTDIR);
  return resolved;
}

// What an app inherits from the daemon: never the whole environment, which may hold what systemd told only
// the daemon, or the secrets of the user who started it. A service has no terminal, hence no TERM.
Environment inherited() {
  constexpr std::array<std::string_view, 3> kNames = {"PATH", "LANG", "TZ"};
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = text.substr(0, equals);
    bool wanted = key.starts_with("LC_") || std::find(kNames.begin(), kNames.end(), key) != kNames.end();
    if (wanted) result.emplace(key, text.substr(equals + 1));
  }
  if (std::string& path = result["PATH"]; path.empty()) path = kDefaultPath;
  return result;
}

void add_identity(const Credentials& who, Environment& into) {
  auto add = [&into](const char* key, const std::string& value) {
    if (!value.empty()) into.insert_or_assign(key, value);
  };
  add("HOME", who.home);
  add("USER", who.name);
  add("LOGNAME", who.name);
  add("SHELL", who.shell);
}

Expected<void> read_environment(Spec& spec, const FileReader& reader, std::vector<std::string>& hints) {
  const auto& app = spec.app;
  const Environment from_daemon = inherited();
  spec.environment = from_daemon;
  if (!spec.credentials) add_identity(own_credentials(), spec.environment);
  for (const auto& file : app.environment_file) {
    auto read = read_environment_file(spec.directory / file.path, file.optional, spec.environment, hints,
                                      reader, spec.credentials);
    if (!read) return key_error(app.name, "environment_file", read.error());
  }
  for (const auto& [key, value] : app.environment) {
    bool sound = !key.empty() && key.find('=') == std::string::npos && key.find('\0') == std::string::npos;
    if (!sound)
      return key_error(app.name, "environment", base::Error{"a name cannot be empty or hold \"=\" or NUL"});
    spec.environment.insert_or_assign(key, value);
  }
  // What a file or the table sets is no longer inherited, except to the same value.
  for (const auto& [key, value] : from_daemon) {
    if (spec.environment.at(key) == value && !app.environment.contains(key)) spec.inherited.push_back(key);
  }
  return {};
}

// Checks that every placeholder is known, for any placement.
Expected<void> check_texts(const Spec& spec) {
  const auto& app = spec.app;
  auto values = values_of(spec, sample_placement(spec));
  for (const auto& word : app.command) {
    if (auto filled = fill(word, values); !filled) return key_error(app.name, "command", filled.error());
  }
  for (const auto& [key, value] : app.environment) {
    auto filled = fill(value, values);
    if (!filled) return key_error(app.name, "environment." + key, filled.error());
  }
  return {};
}

Expected<void> resolve_program(Spec& spec) {
  const auto& app = spec.app;
  if (app.command.empty()) return key_error(app.name, "command", base::Error{"is missing"});
  if (auto sound = check_texts(spec); !sound) return sound;
  // If the program depends on the slot or port, there is no single file to look at; plan() finds it.
  if (varies(spec, app.command.front())) {
    spec.program = app.command.front();
    return {};
  }
  auto found = plan(spec, sample_placement(spec));
  if (!found) return std::unexpected(found.error());
  spec.program = std::move(found->program);
  return {};
}

}  // namespace

Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                         const FileReader& reader) {
  std::vector<std::string> hints;
  return freeze(app, std::move(listeners), reader, hints);
}

Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                         const FileReader& reader, std::vector<std::string>& hints) {
  auto spec = std::make_shared<Spec>();
  spec->app = app;
  spec->listeners = std::move(listeners);
  auto directory = resolve_directory(app);
  if (!directory) return key_error(app.name, "directory", directory.error());
  spec->directory = std::move(*directory);
  if (!app.user.empty()) {
    auto who = look_up_credentials(app.user);
    if (!who) return key_error(app.name, "user", who.error());
    spec->credentials = std::move(*who);
  }
  if (auto read = read_environment(*spec, reader, hints); !read) return std::unexpected(read.error());
  if (auto resolved = resolve_program(*spec); !resolved) return std::unexpected(resolved.error());
  return spec;
}

}  // namespace gracevisor::spec
