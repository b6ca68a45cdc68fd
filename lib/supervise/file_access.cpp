#include "supervise/file_access.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "output/sink_socket.h"
#include "spawn/trial.h"
#include "spec/rights.h"
#include "supervise/sink_policy.h"

namespace gracevisor::supervise {
namespace {

using base::Expected;

Expected<void> check_log(const output::LogOpener& opener, const std::string& key, const std::string& path,
                         const spawn::Credentials* user) {
  if (path.empty() || path == "inherit" || path == "stdout") return {};
  auto checked = opener.check({.path = path, .user = user});
  if (checked) return {};
  return base::fail_at(key, checked.error().error);
}

std::array<std::pair<const char*, const std::string*>, 3> logs_of(const config::App& app) {
  return {{{"log.stdout", &app.log.out}, {"log.stderr", &app.log.err}, {"log.access", &app.log.access}}};
}

Expected<void> check_sink(const output::LogOpener& opener, const std::string& key,
                          const config::LogSink& sink) {
  const auto checked = output::SinkSocket::check(sink_policy(sink), opener);
  if (!checked) return base::fail_at(key, checked.error());
  return {};
}

// Root binds there, and removes what is stale.
Expected<void> check_socket(const base::PathTrust& trust, const std::string& path) {
  base::PathRules rules;
  rules.trust = trust;
  auto place = base::find_place(path, rules);
  // A missing or inaccessible folder is for bind() to report.
  if (place || !place.error().refused) return {};
  return std::unexpected(place.error().error);
}

}  // namespace

Expected<spec::SpecRef> FileAccess::freeze(const config::App& app, const config::Places& places,
                                           std::vector<config::Listener> listeners,
                                           std::vector<std::string>& hints) const {
  auto spec = spec::freeze(app, std::move(listeners), places, reader_, hints);
  if (!spec) return spec;
  if (auto sound = check_logs(app, (*spec)->credentials); !sound) return std::unexpected(sound.error());
  if (auto given = check_socket_rights(**spec, places); !given) return std::unexpected(given.error());
  return spec;
}

Expected<spec::SpecRef> FileAccess::preflight(const config::App& app, const config::Places& places,
                                              std::vector<config::Listener> listeners,
                                              std::vector<std::string>& hints) const {
  auto spec = freeze(app, places, std::move(listeners), hints);
  if (!spec) return spec;
  if (auto given = check_cgroup(**spec, places); !given) return std::unexpected(given.error());
  if (auto given = try_rights(**spec, places); !given) return std::unexpected(given.error());
  try_sinks(app, hints);
  return spec;
}

Expected<void> FileAccess::check_socket_rights(const spec::Spec& spec, const config::Places& places) const {
  if (spec.app.endpoint != config::EndpointKind::socket || sockets_.empty()) return {};
  if (const auto refused = spec::socket_refusal(spec::common_plan(spec), sockets_))
    return spec::placed_error(spec.app, places, refused->key, base::Error{refused->why});
  return {};
}

Expected<void> FileAccess::check_cgroup(const spec::Spec& spec, const config::Places& places) const {
  if (cgroups_ == nullptr) return {};
  auto can = cgroups_->need_for(spec::common_plan(spec).limits);
  if (can) return {};
  const spawn::SpawnFailed& failed = can.error();
  return spec::placed_error(spec.app, places, spec::key_of(failed.stage),
                            base::Error{failed.why, failed.code});
}

// What a rule could tell is told by now: this finds what else the kernel asks. That the daemon is short of
// something is for the start itself to find.
Expected<void> FileAccess::try_rights(const spec::Spec& spec, const config::Places& places) const {
  const spawn::SpawnPlan plan = spec::common_plan(spec);
  const bool asks = spawn::asks_for_rights(plan) || spec.app.supplementary_groups;
  if (launcher_ == nullptr || !asks) return {};
  const auto failed = spawn::try_out(*launcher_, plan);
  if (!failed) return {};
  std::string key = spec::key_of(failed->stage);
  if (key.empty()) return {};
  if (failed->stage == spawn::SpawnStage::groups && spec.app.supplementary_groups)
    key = "supplementary_groups";
  return spec::placed_error(spec.app, places, key, base::Error{base::errno_text(failed->code), failed->code});
}

Expected<void> FileAccess::check_logs(const config::App& app,
                                      const std::optional<spawn::Credentials>& user) const {
  const spawn::Credentials* who = user ? &*user : nullptr;
  for (const auto& [name, path] : logs_of(app)) {
    const std::string key = fmt::format("app.{}.{}", app.name, name);
    const auto sink = config::log_sink(*path);
    auto checked = sink ? check_sink(opener_, key, *sink) : check_log(opener_, key, *path, who);
    if (!checked) return checked;
  }
  return {};
}

void FileAccess::try_sinks(const config::App& app, std::vector<std::string>& hints) const {
  for (const auto& [name, path] : logs_of(app)) {
    const auto sink = config::log_sink(*path);
    if (!sink) continue;
    const auto opened = output::SinkSocket::open(sink_policy(*sink), opener_);
    if (opened) continue;
    hints.push_back(fmt::format("app.{}.{}: {}; 8 MiB of lines wait for whoever listens there", app.name,
                                name, opened.error().error.what));
  }
}

Expected<void> FileAccess::check(const config::Listener& listener) const {
  if (auto checked = check_log(opener_, "access_log", listener.access_log, nullptr); !checked) return checked;
  return check_sockets(listener);
}

Expected<void> FileAccess::check_sockets(const config::Listener& listener) const {
  for (const base::Address& address : listener.addresses) {
    if (!address.is_unix()) continue;
    if (auto checked = check_socket(trust_, address.text().substr(5)); !checked) return checked;
  }
  return {};
}

}  // namespace gracevisor::supervise
