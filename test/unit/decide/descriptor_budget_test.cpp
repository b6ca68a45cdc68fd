#include "decide/descriptor_budget.h"

#include <doctest/doctest.h>

using namespace gracevisor;
using decide::DescriptorBudget;

TEST_CASE("descriptors: the need grows with instances and with workers and addresses beyond the usual") {
  struct Row {
    std::size_t workers, addresses, instances, processes;
    std::uint64_t need;
  };
  for (const Row& row : {Row{2, 1, 0, 0, 336},
                         {2, 1, 1, 2, 352},
                         {2, 1, 1, 0, 352},  // a deploy doubles what is configured
                         {2, 1, 152, 304, 2768},
                         {2, 1, 10, 35, 616},  // old generations that still drain
                         {64, 3, 1, 2, 1216}}) {
    CAPTURE(row.instances);
    DescriptorBudget budget(1U << 20, {row.workers, row.addresses, row.instances, row.processes});
    CHECK(budget.need() == row.need);
    CHECK(budget.enough());
  }
}

TEST_CASE("descriptors: with just the need 128 clients are let in and with less deploys cannot be") {
  DescriptorBudget::Demand demand{2, 1, 1, 2};
  DescriptorBudget just(352, demand);
  CHECK(just.enough());
  CHECK(just.clients() == 128);
  CHECK(just.room().clients == 64);
  CHECK(just.room().pipes == 0);
  CHECK(just.room().turned_away == 2);  // who finds no place is told so
  CHECK(just.control() == 8);
  DescriptorBudget below(351, demand);
  CHECK_FALSE(below.enough());
  CHECK(below.shortfall() ==
        "the limit of open files (RLIMIT_NOFILE) is 351, and 352 are needed for 1 instance");
  CHECK(below.clients() >= 128);  // what a deploy would have taken is there
  DescriptorBudget far_below(1024, {2, 1, 152, 304});
  CHECK(far_below.clients() == 64);
  CHECK(DescriptorBudget(1, demand).room().clients == 1);
}

TEST_CASE("descriptors: what is shared out never exceeds the limit") {
  for (std::uint64_t limit = 352; limit < 40'000; limit += 97) {
    for (std::size_t workers : {1U, 2U, 7U, 64U}) {
      DescriptorBudget budget(limit, {workers, 1, 1, 2});
      if (!budget.enough()) continue;
      CAPTURE(limit);
      CAPTURE(workers);
      routing::Room room = budget.room();
      // Clients and their connections to instances, those who are turned away, pipes of two descriptors.
      // Two of those who are turned away have their place aside.
      std::uint64_t of_workers = workers * (2 * room.clients + room.turned_away - 2 + 2 * room.pipes);
      std::uint64_t aside = budget.need() - 256 - 16 + budget.control() + 8;
      CHECK(aside + of_workers <= limit);
      CHECK(room.clients >= 128 / workers);
    }
  }
}

TEST_CASE("descriptors: without a limit there is room for everybody") {
  DescriptorBudget budget(DescriptorBudget::kNoLimit, {2, 1, 1, 2});
  CHECK(budget.enough());
  CHECK(budget.room().clients > 1'000'000'000);
  CHECK(budget.control() == 64);
}
