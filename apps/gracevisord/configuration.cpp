#include "configuration.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/file.h"
#include "base/sealed_file.h"
#include "base/standard_error.h"
#include "below_keeper.h"
#include "config/load.h"
#include "descriptors.h"
#include "spec/configuration_record.h"
#include "supervise/configuration_keeping.h"

namespace gracevisor::daemon {
namespace {

using Diagnostics = std::vector<config::Diagnostic>;

Configuration of(spec::ConfigurationRecord record) {
  return {std::move(record.config), std::move(record.file)};
}

// What the former daemon of this keeper ran with.
base::Expected<Configuration> kept(const Found& found) {
  const base::UniqueFd file = copy_of(found, supervise::kHeldConfiguration);
  if (!file) return base::fail("the keeper has none");
  auto text = base::read_sealed(file.get(), "what the keeper has", spec::kMostConfigurationBytes);
  if (!text) return std::unexpected(text.error());
  auto record = spec::configuration_from_text(*text);
  if (!record) return std::unexpected(record.error());
  return of(std::move(*record));
}

// What was last in force, from the folder in which a daemon without another one keeps it: files that cannot
// be read do not say where else it might be. Unset: it is of other files, or there is nothing to serve.
std::optional<Configuration> last_in_force(const std::filesystem::path& file, const Diagnostics& errors) {
  const std::filesystem::path state_dir = config::Daemon().state_dir;
  if (errors.empty() || !any_record(state_dir)) return std::nullopt;
  auto record = spec::load_configuration(state_dir);
  if (!record || record->file != file || record->config.daemon.state_dir != state_dir) return std::nullopt;
  complain(fmt::format("!  {}; running as of {:%F %T} UTC\n", errors.front().line(), record->when));
  return of(std::move(*record));
}

base::Error changed(const std::string& key, const std::filesystem::path& from,
                    const std::filesystem::path& to) {
  return {fmt::format("daemon.{} is {} now, and was {}: that needs a stop and a start", key, to.string(),
                      from.string()),
          0};
}

}  // namespace

void complain(const std::string& lines) {
  if (!lines.empty()) base::say_on_standard_error(lines.ends_with('\n') ? lines : lines + "\n");
}

std::optional<std::filesystem::path> find_configuration(const Options& options) {
  const bool root = ::geteuid() == 0;
  auto file = config::find_file(options.config, root);
  if (file) return file;
  complain(
      "gracevisord: no configuration found: name it with -c, or see gracevisord(8) for where it is looked "
      "for");
  if (root && config::find_file(options.config, false)) {
    complain("gracevisord: ./gracevisor.toml is not taken as root unless it is named: -c ./gracevisor.toml");
  }
  return std::nullopt;
}

std::optional<uid_t> owner_of(const Options& options) {
  return config::is_named(options.config) ? std::nullopt : std::optional(::geteuid());
}

std::optional<Configuration> configuration(const Options& options, const Found& found) {
  if (found.restarted()) {
    auto before = kept(found);
    if (before) return std::move(*before);
    complain("gracevisord: what the former daemon ran with is not known: " + before.error().what +
             "; the files are read");
  }
  auto file = find_configuration(options);
  if (!file) return std::nullopt;
  *file = std::filesystem::absolute(*file);
  auto loaded = config::load(*file, owner_of(options));
  if (!loaded) {
    complain(lines_of(loaded.error(), ""));
    return last_in_force(*file, loaded.error());
  }
  complain(lines_of(loaded->warnings, "warning: "));
  return Configuration{std::move(loaded->config), std::move(*file)};
}

base::Expected<Configuration> successor_configuration(const Options& options, const Found& found) {
  auto before = kept(found);
  if (!before) return base::fail("what the daemon runs with is not known: " + before.error().what);
  auto loaded = config::load(before->file, owner_of(options));
  if (!loaded) return base::fail(lines_of(loaded.error(), ""));
  config::Daemon& now = loaded->config.daemon;
  config::Daemon& then = before->config.daemon;
  if (now.runtime_dir != then.runtime_dir)
    return std::unexpected(changed("runtime_dir", then.runtime_dir, now.runtime_dir));
  if (now.state_dir != then.state_dir)
    return std::unexpected(changed("state_dir", then.state_dir, now.state_dir));
  // The apps' folder belongs to the apps.
  now.autodiscover = std::move(then.autodiscover);
  then = std::move(now);
  return std::move(*before);
}

}  // namespace gracevisor::daemon
