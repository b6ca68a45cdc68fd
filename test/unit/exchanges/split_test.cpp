// How bytes are cut into reads decides nothing: each exchange is played whole, with every step's bytes cut in
// two at every position, in many pieces, and byte by byte, and comes out the same.
#include <doctest/doctest.h>

#include <algorithm>

#include "unit/exchanges/exchanges.h"

namespace gracevisor::test {
namespace {

// Where an instance resets it is on TCP, so that a reset is one; elsewhere on the faster Unix socket.
bool resets(const Script& script) {
  return std::any_of(script.steps.begin(), script.steps.end(),
                     [](const Step& step) { return step.then == Step::Then::reset; });
}

// "" when every cut comes out as `whole`; otherwise what the first other one does.
std::string differing(CoreRig& rig, const Script& script, const Outcome& whole) {
  std::vector<Cut> cuts{{.longest = 1}};
  for (std::size_t step = 0; step < script.steps.size(); ++step) {
    for (std::size_t at = 1; at < script.steps[step].bytes.size(); ++at) {
      cuts.push_back({.step = step, .position = at});
    }
  }
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    for (std::size_t longest : {7U, 60U}) cuts.push_back({.longest = longest, .seed = seed});
  }
  for (const Cut& cut : cuts) {
    Outcome outcome = play(rig, script, &cut);
    if (outcome == whole) continue;
    return "step " + std::to_string(cut.step) + " cut at " + std::to_string(cut.position) +
           ", or pieces of up to " + std::to_string(cut.longest) + " from " + std::to_string(cut.seed) +
           ":\n" + text_of(outcome);
  }
  return "";
}

TEST_CASE("split: an exchange comes out the same however its bytes are cut") {
  CoreRig usual;
  CoreRig resetting({.apps = CoreRig::Family::tcp});
  for (const Script& script : all_scripts()) {
    CAPTURE(std::string(script.name));
    CoreRig& rig = resets(script) ? resetting : usual;
    Outcome whole = play(rig, script);
    CHECK_MESSAGE(whole.responses.find("PROBLEM") == std::string::npos, text_of(whole));
    std::string other = differing(rig, script, whole);
    CHECK_MESSAGE(other == "", "whole:\n" << text_of(whole));
  }
  CHECK(usual.finish() == "");
  CHECK(resetting.finish() == "");
}

}  // namespace
}  // namespace gracevisor::test
