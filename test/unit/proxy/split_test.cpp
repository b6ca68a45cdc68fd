// How bytes are cut into reads decides nothing: each exchange is played whole, with every step's bytes cut in
// two at every position, and byte by byte, and comes out the same.
#include <doctest/doctest.h>

#include "unit/proxy/exchanges.h"

namespace gracevisor::test {
namespace {

// Instances on TCP, so that a reset is one.
constexpr CoreRig::Layout kLayout{.clients = CoreRig::Family::tcp, .apps = CoreRig::Family::tcp};

std::string differing(CoreRig& rig, const Script& script, const Outcome& whole) {
  std::string differing;
  for (std::size_t step = 0; step < script.steps.size(); ++step) {
    for (std::size_t at = 1; at < script.steps[step].bytes.size() && differing.empty(); ++at) {
      Cut cut{.step = step, .position = at};
      Outcome outcome = play(rig, script, &cut);
      if (outcome == whole) continue;
      differing = "step " + std::to_string(step) + " cut at " + std::to_string(at) + ":\n" + text_of(outcome);
    }
  }
  Cut bytes{.every_byte = true};
  Outcome outcome = play(rig, script, &bytes);
  if (differing.empty() && outcome != whole) differing = "byte by byte:\n" + text_of(outcome);
  return differing;
}

TEST_CASE("split: an exchange comes out the same however its bytes are cut") {
  CoreRig rig(kLayout);
  for (const Script& script : all_scripts()) {
    CAPTURE(std::string(script.name));
    Outcome whole = play(rig, script);
    CHECK_MESSAGE(whole.responses.find("PROBLEM") == std::string::npos, text_of(whole));
    std::string other = differing(rig, script, whole);
    CHECK_MESSAGE(other == "", "whole:\n" << text_of(whole));
  }
  CHECK(rig.finish() == "");
}

}  // namespace
}  // namespace gracevisor::test
