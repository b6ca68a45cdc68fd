#include "config/load.h"

#include <cstdlib>
#include <system_error>

#include "config/daemon_user.h"
#include "config/draft.h"

namespace gracevisor::config {

std::expected<Loaded, std::vector<Diagnostic>> check_files(Files files, const DaemonUser& user,
                                                           Findings& findings) {
  Draft draft = read_draft(files, user, findings);
  if (draft.apps.empty() && !files.empty() && !findings.failed()) {
    findings.absence({files.front().name, 1, 1}, "no [app.NAME] is defined: nothing would run");
  }
  check_apps(draft, user, findings);
  check_listeners(draft, findings);
  check_routes(draft, findings);
  check_shared(draft, findings);
  if (findings.failed()) return std::unexpected(findings.take_errors());

  Loaded loaded;
  loaded.warnings = findings.take_warnings();
  loaded.absences = findings.take_absences();
  loaded.config.places = places_of(files);
  loaded.config.daemon = std::move(draft.daemon);
  for (ListenerDraft& listener : draft.listeners) {
    loaded.config.listeners.push_back(std::move(listener.listener));
  }
  for (AppDraft& app : draft.apps) loaded.config.apps.push_back(std::move(app.app));
  if (!files.empty()) loaded.config.owner = files.front().owner;
  for (const File& file : files) loaded.config.files.emplace_back(file.name);
  if (!loaded.config.daemon.autodiscover.empty()) {
    loaded.config.trees = std::make_shared<const Files>(std::move(files));
  }
  return loaded;
}

std::expected<Loaded, std::vector<Diagnostic>> load(const std::filesystem::path& file,
                                                    const DaemonUser& user) {
  Findings findings;
  Files files = read_files(file, user, findings);
  DaemonUser known = user;
  if (!files.empty()) known.config_owner = files.front().owner;
  return check_files(std::move(files), known, findings);
}

std::expected<Loaded, std::vector<Diagnostic>> load_text(std::string_view text,
                                                         const std::filesystem::path& name,
                                                         const DaemonUser& user) {
  Findings findings;
  Files files = read_files(text, name, user, findings);
  return check_files(std::move(files), user, findings);
}

std::expected<Loaded, std::vector<Diagnostic>> load(const std::filesystem::path& file,
                                                    std::optional<uid_t> owner) {
  DaemonUser me = current_user();
  me.config_owner = owner;
  return load(file, me);
}

std::expected<Loaded, std::vector<Diagnostic>> load_text(std::string_view text,
                                                         const std::filesystem::path& name) {
  return load_text(text, name, current_user());
}

std::expected<std::filesystem::path, Diagnostic> load_runtime_dir(const std::filesystem::path& file) {
  Findings findings;
  DaemonUser me = current_user();
  const Files files = read_files(file, me, findings);
  // A file that is no TOML has no table.
  const bool readable = !files.empty() && !(files.front().tree.empty() && findings.failed());
  if (!readable) return std::unexpected(findings.take_errors().front());
  me.config_owner = files.front().owner;
  Draft draft = read_draft(files, me, findings);
  for (Diagnostic& error : findings.take_errors()) {
    if (error.text.starts_with("daemon.runtime_dir")) return std::unexpected(std::move(error));
  }
  return std::move(draft.daemon.runtime_dir);
}

bool is_named(const std::string& given) {
  const char* variable = std::getenv("GRACEVISOR_CONFIG");
  return !given.empty() || (variable != nullptr && *variable != '\0');
}

std::optional<std::filesystem::path> find_file(const std::string& given, bool root) {
  if (!given.empty()) return given;
  if (is_named(given)) return std::getenv("GRACEVISOR_CONFIG");
  std::error_code failed;
  for (const char* usual : {"/etc/gracevisor/gracevisor.toml", "./gracevisor.toml"}) {
    bool foreign = root && *usual == '.';
    if (!foreign && std::filesystem::exists(usual, failed)) return usual;
  }
  return std::nullopt;
}

}  // namespace gracevisor::config
