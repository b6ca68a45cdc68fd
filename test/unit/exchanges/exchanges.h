// Exchanges as lists of steps, and what came of them: for the tests that play the same exchange in many ways.
// Thread: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/core_rig.h"

namespace gracevisor::test {

struct Step {
  enum class Who : std::uint8_t { client, app };
  enum class Then : std::uint8_t { go_on, finish, reset };
  Who who = Who::client;
  std::string bytes;
  Then then = Then::go_on;     // behind the bytes
  std::size_t connection = 0;  // of the app: which one of those that it took
};

struct Script {
  const char* name;
  std::vector<Step> steps;
};

// Every kind of exchange that the data path tells apart.
[[nodiscard]] std::vector<Script> all_scripts();

// What may not depend on how the bytes were cut: whole requests at the instances; whole responses and what is
// there of the last one at the client, with the date taken out, and of our own answers the status and the
// token alone (their text says in which phase it happened); how the client's connection ended; what was
// counted.
struct Outcome {
  std::string requests;
  std::string responses;
  End end = End::open;
  std::uint64_t failed = 0;
  std::uint64_t cut = 0;
  bool operator==(const Outcome&) const = default;
};
[[nodiscard]] std::string text_of(const Outcome& outcome);

// Where bytes are cut; each piece is settled before the next.
struct Cut {
  std::size_t step = 0;
  std::size_t position = 0;  // that step's in two there
  std::size_t longest = 0;   // or, unless 0: every step's in pieces of 1 to as many bytes,
  std::uint32_t seed = 1;    // whose lengths follow from this
};

// Plays the script on a new client; everything is hung up afterwards. `cut` null: each step in one piece.
[[nodiscard]] Outcome play(CoreRig& rig, const Script& script, const Cut* cut = nullptr);

}  // namespace gracevisor::test
