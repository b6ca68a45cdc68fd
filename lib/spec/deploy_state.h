// What a state record says of a deploy that is not over, so that the next daemon brings it to its right end.
// Thread: values, any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/boot_clock.h"
#include "base/error.h"
#include "base/exit_code.h"
#include "base/strong.h"

namespace gracevisor::spec {

// How far it has come. Each step is one thing that the next daemon does. The record that allows the cutover
// is itself the cutover for the next daemon, so there is no step between spawning and what follows the
// cutover.
enum class DeployStep : std::uint8_t {
  spawning,   // its candidate starts: it is ended, and the deploy told as aborted
  guarding,   // the candidate serves, or was about to, and the old generation waits: so they go on
  finishing,  // the new generation has taken over: the old one, if any, ends
  undoing,    // failed, aborted or cut back: the new generation ends, and the deploy as `ending` says
};

[[nodiscard]] std::string_view text(DeployStep step);

// As its last line would have told.
struct DeployEnding {
  base::ExitCode exit = base::ExitCode::failed;
  std::string text = {};
  bool operator==(const DeployEnding&) const = default;
};

struct DeployState {
  base::GenerationId generation = {};  // that it brings
  base::GenerationId old = {};         // that it replaces; 0: none
  DeployStep step = DeployStep::spawning;
  // The command, for the history.
  std::string verb = {};
  std::optional<std::uint64_t> uid = {};
  base::BootTime began = {};
  // guarding: as far as it was known before the cutover, so the write and the cutover are not counted.
  base::BootTime guard_ends = {};
  std::optional<DeployEnding> ending = {};  // undoing
  bool operator==(const DeployState&) const = default;
};

// Of longer words and endings, only the beginning is recorded.
inline constexpr std::size_t kMostDeployWord = 64;
inline constexpr std::size_t kMostDeployText = 1024;

[[nodiscard]] nlohmann::json to_json(const DeployState& state);
// Checks each field by itself; what the rest of the record says of it is checked by from_text().
[[nodiscard]] base::Expected<DeployState> deploy_from_json(const nlohmann::json& json);

}  // namespace gracevisor::spec
