// What a generation was started with, frozen at deploy: program and directory resolved, environment read,
// user looked up, health check and timeouts. {port}, {socket} and the like are filled in per incarnation. A
// crashed instance is replaced from its generation's spec, never from the files as they are then. Thread: the
// supervisor's; freezing reads files and the user database.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "config/config.h"
#include "config/key.h"
#include "config/substitute.h"
#include "spawn/plan.h"
#include "spec/file_reader.h"

namespace gracevisor::spec {

using spawn::Credentials;
using spawn::SpawnPlan;

struct Spec {
  config::App app;                  // as configured
  std::filesystem::path directory;  // symlinks resolved; absolute
  std::string program;  // argv[0] found in PATH or directory; absolute, unless it varies by incarnation
  std::map<std::string, std::string>
      environment;  // complete, placeholders not filled: allow-list, files, table; not PORT etc.
  std::vector<std::string>
      inherited;  // the keys taken from the environment with which the daemon itself was started
  std::optional<Credentials> credentials;  // unset: the daemon's own
  bool no_new_privileges = false;          // as the key, or the user, has it
  // Clients reach the app through these: the ones named in app.listen, and those whose default app it is.
  std::vector<config::Listener> listeners;
};

using SpecRef = std::shared_ptr<const Spec>;

// The preflight of an app: no side effects. The error names the key and the cause
// ("gracevisor.toml:7:11: app.web.command: /srv/web/server: No such file or directory"). `places`: of the
// configuration that the app is from. `reader`: how its files are read. `hints` gets one line for each thing
// that is allowed but may not be what was meant.
[[nodiscard]] base::Expected<SpecRef> freeze(const config::App& app, std::vector<config::Listener> listeners,
                                             const config::Places& places, const FileReader& reader,
                                             std::vector<std::string>& hints);
[[nodiscard]] base::Expected<SpecRef> freeze(const config::App& app,
                                             std::vector<config::Listener> listeners = {},
                                             const FileReader& reader = {});

// "app.web.command: " and the cause.
[[nodiscard]] std::unexpected<base::Error> key_error(const config::App& app, std::string_view key,
                                                     const base::Error& cause);

// The same behind the place of the key, if the app comes from files.
[[nodiscard]] std::unexpected<base::Error> placed_error(const config::App& app, const config::Places& places,
                                                        std::string_view key, const base::Error& cause);

struct Placement {
  base::GenerationId generation;
  base::Slot slot;
  base::Port port = {};     // 0 unless the endpoint is a port
  std::string socket = {};  // empty unless the endpoint is at a path
  std::string state = {};   // GV_STATE: identifies its daemon (state_id.h)
};

// Fills the placeholders and adds HOME USER LOGNAME SHELL, PORT HOST or SOCKET, GV_STATE GV_APP
// GV_INSTANCE GV_GENERATION. Leaves the daemon's own limit of open files and the listener unset; the caller
// knows them.
[[nodiscard]] base::Expected<SpawnPlan> plan(const Spec& spec, const Placement& placement);

// What of the plan is the same for every incarnation: directory, user, limits and privileges.
[[nodiscard]] SpawnPlan common_plan(const Spec& spec);

// The keys that differ, named as in the configuration file: "command", "environment.SMTP_URL",
// "listen.public.address". Resolved values count; positions in files do not.
[[nodiscard]] std::vector<config::Difference> differences(const Spec& from, const Spec& to);
[[nodiscard]] std::vector<config::Difference> differences(const config::Listener& from,
                                                          const config::Listener& to);
// `spec` with what `next` has for all keys that need no deploy, its listeners among them.
[[nodiscard]] SpecRef adjusted(const Spec& spec, const Spec& next);
// `configured` gets the number of instances that a command gave the app (gvctl scale), unless the files have
// changed theirs since.
void keep_scale(const Spec& in_force, config::App& configured);
// `spec` with those of `changed` in place of its listeners of the same names; the same object if it has none.
[[nodiscard]] SpecRef with_listeners(const SpecRef& spec, const std::vector<config::Listener>& changed);
// Returns whether there was one to replace.
bool replace_listeners(std::vector<config::Listener>& listeners,
                       const std::vector<config::Listener>& changed);
// "instances 2 -> 3, user root -> nobody, environment.SMTP_URL changed": with the values, except what may be
// secret.
[[nodiscard]] std::string changes_of(const std::vector<config::Difference>& differences);
[[nodiscard]] std::vector<std::string> key_names(const std::vector<config::Difference>& differences);
// "command, health.path"; "command, directory, … and 7 more".
[[nodiscard]] std::string names_of(const std::vector<config::Difference>& differences);
// Of those for which `chosen` holds.
[[nodiscard]] std::string names_of(std::vector<config::Difference> differences, const auto& chosen) {
  std::erase_if(differences, std::not_fn(chosen));
  return names_of(differences);
}

}  // namespace gracevisor::spec
