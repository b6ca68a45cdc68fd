// The phases of a deploy, and the consequence of an interruption in each. Pure.
// Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace gracevisor::decide {

enum class DeployPhase : std::uint8_t {
  checking,
  recording,
  adopting,
  guarding,
  confirming,
  finishing,
  aborting,
  rolling_back,
  ended,
};
[[nodiscard]] std::string_view text(DeployPhase phase);

// What interrupts a deploy.
enum class Interruption : std::uint8_t {
  abort,     // the deploy is to be undone
  stop,      // the app is to stop, whatever is being deployed
  shutdown,  // the daemon ends
};

enum class Consequence : std::uint8_t {
  refuse,     // there is nothing to undo
  nothing,    // the deploy is already ending by itself
  give_up,    // before the cutover: the candidate stops; exit 6
  cut_back,   // after the cutover: the old generation serves again; exit 13
  withdraw,   // after the cutover: neither serves; exit 6
  end_guard,  // after the cutover: the new generation stays
};

// `can_go_back`: the deploy is guarded, and an instance of the old generation could serve at once.
[[nodiscard]] Consequence consequence(DeployPhase phase, Interruption what, bool can_go_back);

}  // namespace gracevisor::decide
