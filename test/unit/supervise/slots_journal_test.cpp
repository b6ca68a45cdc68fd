#include "supervise/slots_journal.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/sealed_file.h"
#include "support/shelf.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::supervise;
using spec::SlotsRecord;
using spec::SlotState;

namespace {

SlotsRecord record(const std::string& app, std::uint64_t incarnation, SlotState state = SlotState::healthy) {
  spec::SlotRecord slot{.generation = base::GenerationId(1),
                        .slot = base::Slot(1),
                        .incarnation = base::Incarnation(incarnation),
                        .state = state};
  return {app, "boot-1", {slot}};
}

struct Fixture {
  test::TempFolder folder;
  std::vector<std::string> lines;
  base::Log log{base::LogLevel::info, [this](std::string_view line) { lines.emplace_back(line); }};
  test::Shelf keeper;
  SlotsJournal journal{&keeper, log};

  // What a daemon that follows would find.
  spec::SlotsRecords found() { return SlotsJournal(&keeper, log).take_former(); }
  // Of the one file that the keeper has.
  off_t size() {
    off_t found = 0;
    for (const char* name : {"slots-even", "slots-odd"}) {
      const base::UniqueFd file = keeper.take(name);
      if (!file) continue;
      struct stat facts{};
      REQUIRE(::fstat(file.get(), &facts) == 0);
      CHECK(found == 0);
      found = facts.st_size;
    }
    return found;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "slots journal: each change is there at once for a daemon that follows") {
  CHECK(found().empty());
  CHECK(journal.keep(record("web", 1, SlotState::starting)));
  CHECK(journal.keep(record("api", 7)));
  CHECK(found() ==
        spec::SlotsRecords{{"web", record("web", 1, SlotState::starting)}, {"api", record("api", 7)}});
  CHECK(journal.keep(record("web", 1)));
  CHECK(found().at("web") == record("web", 1));
  CHECK(found().at("api") == record("api", 7));
  CHECK(lines.empty());
}

TEST_CASE_FIXTURE(Fixture, "slots journal: what has not changed is not written again") {
  CHECK(journal.keep(record("web", 1)));
  const off_t before = size();
  CHECK(journal.keep(record("web", 1)));
  CHECK(size() == before);
  CHECK(journal.keep(record("web", 2)));
  CHECK(size() > before);
}

TEST_CASE_FIXTURE(Fixture,
                  "slots journal: it stays small however often something changes, and keeps all apps") {
  constexpr std::uint64_t kChanges = 20'000;
  CHECK(journal.keep(record("quiet", 5)));
  off_t most = 0;
  for (std::uint64_t i = 1; i <= kChanges; ++i) {
    CHECK(journal.keep(record("web", i)));
    if (i % 100 == 0) most = std::max(most, size());
  }
  CHECK(static_cast<std::size_t>(most) <= SlotsJournal::kSlack + 4096);
  CHECK(found() == spec::SlotsRecords{{"quiet", record("quiet", 5)}, {"web", record("web", kChanges)}});
}

TEST_CASE_FIXTURE(Fixture, "slots journal: an app that is no more leaves with the old lines") {
  CHECK(journal.keep(record("gone", 1)));
  CHECK(journal.keep(record("web", 1)));
  journal.forget("gone");
  journal.forget("unknown");
  for (std::uint64_t i = 2; size() > 300 || i < 1000; ++i) {
    REQUIRE(i < 100'000);
    CHECK(journal.keep(record("web", i)));
  }
  CHECK_FALSE(found().contains("gone"));
  CHECK(found().contains("web"));
  // As a new one.
  CHECK(journal.keep(record("gone", 1)));
  CHECK(found().at("gone") == record("gone", 1));
}

TEST_CASE_FIXTURE(Fixture, "slots journal: the follower reads beside one that goes on writing") {
  CHECK(journal.keep(record("web", 1)));
  SlotsJournal follower(&keeper, log);
  CHECK(follower.take_former().at("web") == record("web", 1));
  CHECK(journal.keep(record("web", 2)));
  CHECK(found().at("web") == record("web", 2));
  // From its first change on, its own counts.
  CHECK(follower.keep(record("web", 3)));
  CHECK(found().at("web") == record("web", 3));
}

TEST_CASE_FIXTURE(Fixture, "slots journal: of two files the newer one counts, whichever name it has") {
  CHECK(journal.keep(record("web", 1)));
  const base::UniqueFd first = keeper.take("slots-odd");
  REQUIRE(first);
  SlotsJournal second(&keeper, log);
  CHECK(second.take_former().at("web") == record("web", 1));
  CHECK(second.keep(record("web", 2)));
  // As if that daemon had been killed before it gave up the former one.
  CHECK_FALSE(keeper.take("slots-odd"));
  keeper.hold("slots-odd", first.get());
  CHECK(found().at("web") == record("web", 2));
  SlotsJournal third(&keeper, log);
  CHECK(third.take_former().at("web") == record("web", 2));
  CHECK(third.keep(record("web", 3)));
  CHECK(found().at("web") == record("web", 3));
}

TEST_CASE_FIXTURE(Fixture, "slots journal: what cannot be read is told, and no reason not to begin") {
  const base::UniqueFd folder_itself(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
  const auto empty = base::memory_file("a test");
  REQUIRE(empty.has_value());
  keeper.hold("slots-even", folder_itself.get());
  keeper.hold("slots-odd", empty->get());
  CHECK(journal.take_former().empty());
  REQUIRE(lines.size() == 2);
  CHECK(lines.front().find("slots cause=\"cannot read how the slots are: ") != std::string::npos);
  CHECK(lines.back().find("slots cause=\"how the slots are: damaged: no number\"") != std::string::npos);
  CHECK(journal.keep(record("web", 1)));
  CHECK(found().at("web") == record("web", 1));
  CHECK(lines.size() == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "slots journal: what is too much is told, nothing is kept, and it is tried again") {
  CHECK(journal.keep(record("web", 1)));
  const SlotsRecord huge = record(std::string(SlotsJournal::kMost, 'h'), 1);
  CHECK_FALSE(journal.keep(huge));
  CHECK_FALSE(journal.keep(huge));
  CHECK(lines.size() == 1);
  CHECK(found().empty());
  CHECK_FALSE(journal.keep(record("web", 2)));
  journal.forget(huge.app);
  CHECK(journal.keep(record("web", 2)));
  CHECK(found() == spec::SlotsRecords{{"web", record("web", 2)}});
}

TEST_CASE_FIXTURE(Fixture, "slots journal: without a keeper nothing is kept") {
  SlotsJournal alone(nullptr, log);
  CHECK(alone.keep(record("web", 1)));
  CHECK(alone.take_former().empty());
  CHECK(lines.empty());
}
