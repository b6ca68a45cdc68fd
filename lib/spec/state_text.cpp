// The content of a state file: written, and read with every field checked.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "spec/state_file.h"
#include "spec/state_json.h"
#include "spec/state_version.h"

namespace gracevisor::spec {
namespace {

constexpr unsigned kMaxInstances = 1000;  // as the configuration's

base::Expected<SpecRef> read_spec(const Json& json, const std::string& key, const std::string& app) {
  auto spec = std::make_shared<Spec>();
  StateReader reader;
  if (!reader.decode(json, *spec)) {
    return base::fail(reader.misfit().empty() ? key + " is damaged"
                                              : key + "." + reader.misfit() + " is damaged");
  }
  // Missing keys leave defaults, but nothing can be started without these.
  if (spec->app.name != app) return base::fail(key + " is of another app");
  if (spec->program.empty() || spec->app.command.empty()) return base::fail(key + " has no program");
  if (spec->app.instances < 1 || spec->app.instances > kMaxInstances) {
    return base::fail(key + ".app.instances is out of range");
  }
  if (!spec->directory.is_absolute()) return base::fail(key + " has no absolute directory");
  return spec;
}

// The generation named by `key` and its frozen spec beside it; none for 0.
base::Expected<void> read_generation(const Json& json, const std::string& key, const std::string& app,
                                     base::GenerationId& id, SpecRef& spec) {
  auto value = number_from_json(json, key.c_str());
  std::string spec_key = key + "_spec";
  if (!value || !json.contains(spec_key)) {
    return base::fail(fmt::format("damaged: {} or {} is missing", key, spec_key));
  }
  const Json& frozen = json[spec_key];
  if ((*value == 0) != frozen.is_null()) {
    return base::fail(fmt::format("damaged: {} and {} contradict each other", key, spec_key));
  }
  id = base::GenerationId(*value);
  if (*value == 0) return {};
  auto read = read_spec(frozen, spec_key, app);
  if (!read) return std::unexpected(read.error());
  spec = std::move(*read);
  return {};
}

base::Expected<std::optional<Stopped>> read_stopped(const Json& json) {
  auto found = json.find("stopped");
  if (found == json.end() || found->is_null()) return std::nullopt;
  if (!found->is_object()) return base::fail("stopped is damaged");
  std::uint64_t uid = number_from_json(*found, "uid").value_or(UINT64_MAX);
  std::uint64_t at = number_from_json(*found, "at").value_or(UINT64_MAX);
  if (!std::in_range<uid_t>(uid) || at > kMaxTime) return base::fail("stopped is damaged");
  return Stopped{static_cast<uid_t>(uid),
                 std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(at)))};
}

base::Expected<std::vector<FrozenGeneration>> read_leaving(const Json& json, const std::string& app) {
  std::vector<FrozenGeneration> leaving;
  for (const Json& one : json) {
    const auto id = one.is_object() ? number_from_json(one, "generation") : std::nullopt;
    if (!id || *id == 0 || !one.contains("spec")) return base::fail("damaged: a leaving generation is none");
    auto spec = read_spec(one["spec"], "leaving.spec", app);
    if (!spec) return std::unexpected(spec.error());
    leaving.push_back({base::GenerationId(*id), std::move(*spec)});
  }
  return leaving;
}

// A record of version 1 knew one deploy alone: the one whose guard it was.
void add_deploy_of_old(AppState& state) {
  if (state.candidate_spec == nullptr) return;
  state.deploys = {{.generation = state.candidate,
                    .old = state.live,
                    .step = state.live_spec ? DeployStep::guarding : DeployStep::spawning,
                    .verb = "deploy"}};
}

// What came with version 2.
base::Expected<void> read_deploys(const Json& json, AppState& state) {
  const auto array = [&json](const char* key, std::size_t most) {
    const auto found = json.find(key);
    return found != json.end() && found->is_array() && found->size() <= most ? &*found : nullptr;
  };
  auto boot = json.contains("boot") ? string_from_json(json["boot"]) : std::nullopt;
  const Json* leaving = array("leaving", kMostLeaving);
  const Json* deploys = array("deploys", kMostDeploys);
  if (!boot || leaving == nullptr || deploys == nullptr) {
    return base::fail("damaged: boot, leaving or deploys is missing");
  }
  state.boot = std::move(*boot);
  auto generations = read_leaving(*leaving, state.app);
  if (!generations) return std::unexpected(generations.error());
  state.leaving = std::move(*generations);
  for (const Json& one : *deploys) {
    auto deploy = deploy_from_json(one);
    if (!deploy) return std::unexpected(deploy.error());
    state.deploys.push_back(std::move(*deploy));
  }
  return {};
}

// Every generation that it has a spec of.
std::vector<base::GenerationId> generations_of(const AppState& state) {
  std::vector<base::GenerationId> known;
  if (state.live_spec) known.push_back(state.live);
  if (state.candidate_spec) known.push_back(state.candidate);
  for (const FrozenGeneration& one : state.leaving) known.push_back(one.id);
  return known;
}

// Its step must fit what its generations are.
bool fits(const DeployState& deploy, const AppState& state) {
  const bool brings_candidate = state.candidate_spec && deploy.generation == state.candidate;
  switch (deploy.step) {
    case DeployStep::spawning:
      // A stopped app has a live generation that the deploy does not replace.
      return brings_candidate && (deploy.old == state.live || deploy.old == base::GenerationId());
    case DeployStep::guarding: return brings_candidate && deploy.old == state.live && state.live_spec;
    case DeployStep::finishing: return !brings_candidate && (!state.live_spec || deploy.old != state.live);
    case DeployStep::undoing:
      // What is undone ends, so it is not what serves.
      return !brings_candidate && (deploy.generation != state.live || state.stopped);
  }
  return false;
}

base::Expected<void> check_generations(const AppState& state) {
  if (state.live > state.last_generation) return base::fail("damaged: live is above last_generation");
  const bool above = state.candidate > state.live && state.candidate <= state.last_generation;
  if (state.candidate_spec && !above) return base::fail("damaged: candidate is out of range");
  std::vector<base::GenerationId> known = generations_of(state);
  if (std::ranges::any_of(known, [&state](auto id) { return id > state.last_generation; })) {
    return base::fail("damaged: a leaving generation is above last_generation");
  }
  std::ranges::sort(known);
  if (std::ranges::adjacent_find(known) != known.end()) {
    return base::fail("damaged: a generation is there twice");
  }
  return {};
}

base::Expected<void> check_deploys(const AppState& state) {
  const std::vector<base::GenerationId> known = generations_of(state);
  const auto is_known = [&known](base::GenerationId id) {
    return std::ranges::find(known, id) != known.end();
  };
  std::vector<base::GenerationId> brought;
  for (const DeployState& deploy : state.deploys) {
    const bool has_old = deploy.old == base::GenerationId() || is_known(deploy.old);
    if (!is_known(deploy.generation) || !has_old || deploy.old == deploy.generation) {
      return base::fail("damaged: the generations of a deploy are not in it");
    }
    if (!fits(deploy, state)) {
      return base::fail("damaged: the step of a deploy and its generations contradict each other");
    }
    brought.push_back(deploy.generation);
  }
  std::ranges::sort(brought);
  if (std::ranges::adjacent_find(brought) != brought.end()) {
    return base::fail("damaged: two deploys bring the same generation");
  }
  if (state.candidate_spec && state.under_way() == nullptr) {
    return base::fail("damaged: candidate and deploys contradict each other");
  }
  return {};
}

}  // namespace

const DeployState* AppState::under_way() const {
  const auto found = std::ranges::find_if(deploys, [this](const DeployState& one) {
    return candidate_spec != nullptr && one.generation == candidate;
  });
  return found == deploys.end() ? nullptr : &*found;
}

std::vector<FrozenGeneration> reattachable(const AppState& state, const std::string& boot) {
  if (state.boot != boot) return {};
  std::vector<FrozenGeneration> generations = state.leaving;
  if (state.live_spec) generations.push_back({state.live, state.live_spec});
  if (state.candidate_spec) generations.push_back({state.candidate, state.candidate_spec});
  return generations;
}

std::string to_text(const AppState& state) {
  Json json;
  json["version"] = kVersion;
  json["app"] = string_to_json(state.app);
  json["last_generation"] = state.last_generation.value();
  json["live"] = state.live.value();
  json["live_spec"] = state.live_spec ? StateWriter::encode(*state.live_spec) : Json();
  json["candidate"] = state.candidate.value();
  json["candidate_spec"] = state.candidate_spec ? StateWriter::encode(*state.candidate_spec) : Json();
  json["stopped"] = Json();
  if (state.stopped) {
    std::int64_t at = std::clamp<std::int64_t>(state.stopped->at.time_since_epoch().count(), 0,
                                               static_cast<std::int64_t>(kMaxTime));
    json["stopped"] = Json{{"uid", state.stopped->uid}, {"at", static_cast<std::uint64_t>(at)}};
  }
  json["boot"] = string_to_json(state.boot);
  Json& leaving = json["leaving"] = Json::array();
  for (const FrozenGeneration& one : state.leaving) {
    leaving.push_back({{"generation", one.id.value()}, {"spec", StateWriter::encode(*one.spec)}});
  }
  Json& deploys = json["deploys"] = Json::array();
  for (const DeployState& one : state.deploys) deploys.push_back(to_json(one));
  return json.dump(1) + "\n";
}

base::Expected<AppState> from_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  auto version = number_from_json(json, "version");
  if (!version) return base::fail("damaged: no version");
  if (*version < kOldestVersion || *version > kVersion) {
    return base::fail(fmt::format("version {} is unknown, this daemon writes {}", *version, kVersion));
  }
  auto app = json.contains("app") ? string_from_json(json["app"]) : std::nullopt;
  auto last = number_from_json(json, "last_generation");
  if (!app || app->empty() || !last) return base::fail("damaged: app or last_generation is missing");
  if (*last > kMaxGeneration) return base::fail("damaged: last_generation is too large");
  AppState state;
  state.app = *app;
  state.last_generation = base::GenerationId(*last);
  if (auto live = read_generation(json, "live", *app, state.live, state.live_spec); !live) {
    return std::unexpected(live.error());
  }
  if (json.contains("candidate")) {  // an older daemon did not write it
    auto candidate = read_generation(json, "candidate", *app, state.candidate, state.candidate_spec);
    if (!candidate) return std::unexpected(candidate.error());
  }
  auto stopped = read_stopped(json);
  if (!stopped) return std::unexpected(stopped.error());
  state.stopped = *stopped;
  if (*version == 1) {
    add_deploy_of_old(state);
  } else if (auto deploys = read_deploys(json, state); !deploys) {
    return std::unexpected(deploys.error());
  }
  if (auto sound = check_generations(state); !sound) return std::unexpected(sound.error());
  if (auto sound = check_deploys(state); !sound) return std::unexpected(sound.error());
  return state;
}

base::Expected<NewerRecord> newer_from_text(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  const auto version = number_from_json(json, "version");
  if (!version || *version <= kVersion) return base::fail("it is not of a newer version");
  NewerRecord record{*version, {}, {}};
  if (auto app = json.contains("app") ? string_from_json(json["app"]) : std::nullopt) record.app = *app;
  const auto last = number_from_json(json, "last_generation");
  if (last && *last <= kMaxGeneration) record.last_generation = base::GenerationId(*last);
  return record;
}

}  // namespace gracevisor::spec
