#include "decide/deploy_phase.h"

#include <doctest/doctest.h>

using namespace gracevisor::decide;

TEST_CASE("deploy phase: what abort and stop and the daemon's end lead to in every phase") {
  using enum DeployPhase;
  using C = Consequence;
  struct Row {
    DeployPhase phase;
    C abort_with_old;  // the old generation could serve
    C abort_alone;
    C stop;
    C shutdown;
  };
  constexpr Row kRows[] = {
      {checking, C::give_up, C::give_up, C::give_up, C::give_up},
      {recording, C::give_up, C::give_up, C::give_up, C::give_up},
      {adopting, C::cut_back, C::refuse, C::withdraw, C::end_guard},
      {guarding, C::cut_back, C::refuse, C::withdraw, C::end_guard},
      {confirming, C::cut_back, C::refuse, C::withdraw, C::end_guard},
      {finishing, C::refuse, C::refuse, C::nothing, C::nothing},
      {aborting, C::nothing, C::nothing, C::nothing, C::nothing},
      {rolling_back, C::nothing, C::nothing, C::nothing, C::nothing},
      {ended, C::refuse, C::refuse, C::nothing, C::nothing},
  };
  for (const Row& row : kRows) {
    CAPTURE(text(row.phase));
    CHECK(consequence(row.phase, Interruption::abort, true) == row.abort_with_old);
    CHECK(consequence(row.phase, Interruption::abort, false) == row.abort_alone);
    for (bool can_go_back : {false, true}) {
      CHECK(consequence(row.phase, Interruption::stop, can_go_back) == row.stop);
      CHECK(consequence(row.phase, Interruption::shutdown, can_go_back) == row.shutdown);
    }
  }
}
