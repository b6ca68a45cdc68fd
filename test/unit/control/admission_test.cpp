#include "control/admission.h"

#include <doctest/doctest.h>

using namespace gracevisor::control;

TEST_CASE("admission: followers get half and some of either are kept for admins") {
  struct Row {
    std::size_t places, operators, operators_follow, admins, admins_follow;
  };
  for (const Row& row : {Row{64, 56, 24, 64, 32},
                         {1000, 56, 24, 64, 32},
                         {16, 12, 4, 16, 8},
                         {8, 6, 2, 8, 4},
                         {0, 3, 1, 4, 2}}) {
    CAPTURE(row.places);
    Admission admission(row.places);
    CHECK(admission.places(Role::operator_) == row.operators);
    CHECK(admission.places(Role::none) == row.operators);
    CHECK(admission.followers(Role::operator_) == row.operators_follow);
    CHECK(admission.places(Role::admin) == row.admins);
    CHECK(admission.followers(Role::admin) == row.admins_follow);
  }
}
