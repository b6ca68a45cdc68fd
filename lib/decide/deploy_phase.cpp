#include "decide/deploy_phase.h"

namespace gracevisor::decide {
namespace {

Consequence after_cutover(Interruption what, bool can_go_back) {
  switch (what) {
    case Interruption::abort: return can_go_back ? Consequence::cut_back : Consequence::refuse;
    case Interruption::stop: return Consequence::withdraw;
    case Interruption::shutdown: return Consequence::end_guard;
  }
  return Consequence::nothing;
}

}  // namespace

std::string_view text(DeployPhase phase) {
  switch (phase) {
    case DeployPhase::checking: return "checking";
    case DeployPhase::recording: return "recording";
    case DeployPhase::adopting: return "cutover";
    case DeployPhase::guarding: return "guarding";
    case DeployPhase::confirming: return "confirming";
    case DeployPhase::finishing: return "finishing";
    case DeployPhase::aborting: return "aborting";
    case DeployPhase::rolling_back: return "rolling back";
    case DeployPhase::ended: return "ended";
  }
  return "?";
}

Consequence consequence(DeployPhase phase, Interruption what, bool can_go_back) {
  switch (phase) {
    case DeployPhase::checking:
    case DeployPhase::recording: return Consequence::give_up;
    case DeployPhase::adopting:
    case DeployPhase::guarding:
    case DeployPhase::confirming: return after_cutover(what, can_go_back);
    case DeployPhase::aborting:
    case DeployPhase::rolling_back: return Consequence::nothing;
    case DeployPhase::finishing:
    case DeployPhase::ended: return what == Interruption::abort ? Consequence::refuse : Consequence::nothing;
  }
  return Consequence::nothing;
}

}  // namespace gracevisor::decide
