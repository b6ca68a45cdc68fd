#include "spec/deploy_state.h"

#include <array>
#include <limits>
#include <string_view>
#include <utility>

#include "spec/boot_time_json.h"
#include "spec/state_json.h"

namespace gracevisor::spec {
namespace {

using base::ExitCode;

constexpr std::array kSteps = {
    std::pair(DeployStep::spawning, std::string_view("spawning")),
    std::pair(DeployStep::guarding, std::string_view("guarding")),
    std::pair(DeployStep::finishing, std::string_view("finishing")),
    std::pair(DeployStep::undoing, std::string_view("undoing")),
};

std::optional<DeployStep> step_of(const Json& json) {
  const auto text = string_from_json(json);
  for (const auto& [value, word] : kSteps) {
    if (text == word) return value;
  }
  return std::nullopt;
}

// What an undone deploy can end with.
std::optional<ExitCode> exit_of(std::uint64_t number) {
  for (const ExitCode exit : {ExitCode::failed, ExitCode::aborted, ExitCode::exited_before_healthy,
                              ExitCode::health_timeout, ExitCode::rolled_back}) {
    if (number == static_cast<std::uint64_t>(exit)) return exit;
  }
  return std::nullopt;
}

std::optional<std::string> short_text(const Json& object, const char* key, std::size_t most) {
  const auto found = object.find(key);
  auto text = found == object.end() ? std::nullopt : string_from_json(*found);
  return text && text->size() <= most ? std::move(text) : std::nullopt;
}

bool read_ending(const Json& json, std::optional<DeployEnding>& ending) {
  if (json.is_null()) return true;
  if (!json.is_object()) return false;
  const auto exit = exit_of(number_from_json(json, "exit").value_or(0));
  auto text = short_text(json, "text", kMostDeployText);
  if (!exit || !text) return false;
  ending = DeployEnding{*exit, std::move(*text)};
  return true;
}

}  // namespace

std::string_view text(DeployStep step) {
  for (const auto& [value, word] : kSteps) {
    if (value == step) return word;
  }
  return {};
}

Json to_json(const DeployState& state) {
  Json json;
  json["generation"] = state.generation.value();
  json["old"] = state.old.value();
  json["step"] = text(state.step);
  json["verb"] = string_to_json(state.verb.substr(0, kMostDeployWord));
  json["uid"] = state.uid ? Json(*state.uid) : Json();
  json["began"] = boot_time_to_json(state.began);
  json["guard_ends"] = boot_time_to_json(state.guard_ends);
  json["ending"] = Json();
  if (state.ending) {
    json["ending"] = Json{{"exit", static_cast<std::uint64_t>(state.ending->exit)},
                          {"text", string_to_json(state.ending->text.substr(0, kMostDeployText))}};
  }
  return json;
}

base::Expected<DeployState> deploy_from_json(const Json& json) {
  if (!json.is_object()) return base::fail("damaged: a deploy is no object");
  const auto generation = number_from_json(json, "generation");
  const auto old = number_from_json(json, "old");
  const auto step = json.contains("step") ? step_of(json["step"]) : std::nullopt;
  auto verb = short_text(json, "verb", kMostDeployWord);
  const auto began = boot_time_from_json(json, "began");
  const auto guard_ends = boot_time_from_json(json, "guard_ends");
  const bool whole = json.contains("uid") && json.contains("ending");
  if (!generation || !old || !step || !verb || !began || !guard_ends || !whole) {
    return base::fail("damaged: a deploy is not whole");
  }
  DeployState state{base::GenerationId(*generation),
                    base::GenerationId(*old),
                    *step,
                    std::move(*verb),
                    {},
                    *began,
                    *guard_ends,
                    {}};
  if (!json["uid"].is_null()) {
    state.uid = number_from_json(json, "uid");
    if (!state.uid || *state.uid > std::numeric_limits<std::uint32_t>::max()) {
      return base::fail("damaged: the user of a deploy is none");
    }
  }
  if (!read_ending(json["ending"], state.ending)) return base::fail("damaged: the end of a deploy is none");
  if ((state.step == DeployStep::undoing) != state.ending.has_value()) {
    return base::fail("damaged: the step and the end of a deploy contradict each other");
  }
  return state;
}

}  // namespace gracevisor::spec
