#include "spec/slots_record.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

using namespace gracevisor;
using namespace gracevisor::spec;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

SlotRecord slot(unsigned number, SlotState state, std::optional<spawn::ExitStatus> exit = {}) {
  return {base::GenerationId(42),
          base::Slot(number),
          base::Incarnation(3),
          state,
          2,
          7,
          base::BootTime(90min),
          exit};
}

SlotsRecord sample() {
  return {"web",
          "boot-1",
          {slot(1, SlotState::healthy), slot(2, SlotState::backoff, spawn::Exited{1, 0}),
           slot(3, SlotState::fatal, spawn::Signaled{11, true, true}),
           slot(4, SlotState::resting, spawn::Exited{0, 2}), slot(5, SlotState::replacing),
           slot(6, SlotState::unhealthy, spawn::Unknown{}),
           slot(7, SlotState::starting, spawn::SpawnFailed{spawn::SpawnStage::exec, 2, "caf\xe9"})}};
}

std::string error_of(const json& document) {
  auto record = slots_from_text(document.dump());
  return record ? "" : record.error().what;
}

}  // namespace

TEST_CASE("slots record: every state, count, time and exit survives") {
  const SlotsRecord before = sample();
  const auto after = slots_from_text(to_text(before));
  REQUIRE(after.has_value());
  CHECK(*after == before);
  CHECK(after->find(base::GenerationId(42), base::Slot(3))->state == SlotState::fatal);
  CHECK(after->find(base::GenerationId(41), base::Slot(3)) == nullptr);
  CHECK(after->find(base::GenerationId(42), base::Slot(8)) == nullptr);
}

TEST_CASE("slots record: whatever kept a process from being started survives") {
  using Stage = spawn::SpawnStage;
  for (const Stage stage :
       {Stage::plan, Stage::exec, Stage::endpoint, Stage::crashed, Stage::keeper, Stage::capabilities}) {
    const SlotsRecord before{
        "web", "boot-1", {slot(1, SlotState::backoff, spawn::SpawnFailed{stage, 23, "its cause"})}};
    const auto after = slots_from_text(to_text(before));
    REQUIRE(after.has_value());
    CHECK(*after == before);
  }
}

TEST_CASE("slots record: what is cut off, garbage, or of a wrong type is an error, never a crash") {
  const std::string whole = to_text(sample());
  for (std::size_t length = 0; length + 2 <= whole.size(); ++length) {
    CHECK_FALSE(slots_from_text(whole.substr(0, length)).has_value());
  }
  CHECK_FALSE(slots_from_text(std::string(1U << 20, '[')).has_value());
  const json flat = json::parse(whole).flatten();
  for (const auto& [path, value] : flat.items()) {
    CAPTURE(path);
    json bad = flat;
    bad[path] = value.is_number() ? json("text") : json(3.5);
    CHECK_FALSE(error_of(bad.unflatten()).empty());
  }
}

TEST_CASE("slots record: what cannot be is damage") {
  struct Row {
    const char* name;
    std::function<void(json&)> change;
    const char* error;
  };
  constexpr const char* kSlot = "damaged: a slot is not whole";
  const std::vector<Row> rows = {
      {"a newer version", [](json& j) { j["version"] = 2; }, "damaged, or of an unknown version"},
      {"no version", [](json& j) { j.erase("version"); }, "damaged, or of an unknown version"},
      {"no boot", [](json& j) { j.erase("boot"); }, "damaged: app, boot or slots is missing"},
      {"no slots", [](json& j) { j["slots"] = 3; }, "damaged: app, boot or slots is missing"},
      {"slots without end",
       [](json& j) {
         j["slots"] = json::array();
         j["slots"][4000] = 1;
       },
       "damaged: app, boot or slots is missing"},
      {"a slot twice", [](json& j) { j["slots"][1]["slot"] = 1; }, "damaged: a slot is there twice"},
      {"slot 0", [](json& j) { j["slots"][0]["slot"] = 0; }, kSlot},
      {"slot 1001", [](json& j) { j["slots"][0]["slot"] = 1001; }, kSlot},
      {"generation 0", [](json& j) { j["slots"][0]["generation"] = 0; }, kSlot},
      {"a generation that overflows", [](json& j) { j["slots"][0]["generation"] = ~std::uint64_t{0}; },
       kSlot},
      {"an incarnation that overflows", [](json& j) { j["slots"][0]["incarnation"] = ~std::uint64_t{0}; },
       kSlot},
      {"failures that overflow", [](json& j) { j["slots"][0]["failures"] = 4'294'967'295U; }, kSlot},
      {"fewer than no failures", [](json& j) { j["slots"][0]["failures"] = -1; }, kSlot},
      {"restarts that overflow", [](json& j) { j["slots"][0]["restarts"] = ~std::uint64_t{0}; }, kSlot},
      {"a time after all", [](json& j) { j["slots"][1]["restart_at"] = ~std::uint64_t{0}; }, kSlot},
      {"a state that is none", [](json& j) { j["slots"][0]["state"] = "draining"; }, kSlot},
      {"fatal without an exit", [](json& j) { j["slots"][2]["last_exit"] = nullptr; }, kSlot},
      {"resting without an exit", [](json& j) { j["slots"][3]["last_exit"] = nullptr; }, kSlot},
      {"an exit code that is none", [](json& j) { j["slots"][1]["last_exit"]["code"] = 256; }, kSlot},
      {"signal 0", [](json& j) { j["slots"][2]["last_exit"]["signal"] = 0; }, kSlot},
      {"signal 65", [](json& j) { j["slots"][2]["last_exit"]["signal"] = 65; }, kSlot},
      {"a signal without core", [](json& j) { j["slots"][2]["last_exit"].erase("core"); }, kSlot},
      {"out of memory or not", [](json& j) { j["slots"][2]["last_exit"]["out_of_memory"] = 1; }, kSlot},
      {"a stage that is none",
       [](json& j) { j["slots"][6]["last_exit"]["stage"] = static_cast<int>(spawn::kLastStage) + 1; }, kSlot},
      {"a cause that is a book", [](json& j) { j["slots"][6]["last_exit"]["why"] = std::string(1025, 'x'); },
       kSlot},
      {"an exit of no kind", [](json& j) { j["slots"][1]["last_exit"] = json::object(); }, kSlot},
      {"an exit that is not unknown", [](json& j) { j["slots"][5]["last_exit"]["unknown"] = false; }, kSlot},
      {"a slot that is none", [](json& j) { j["slots"][1] = nullptr; }, kSlot},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    json bad = json::parse(to_text(sample()));
    row.change(bad);
    CHECK(error_of(bad) == row.error);
  }
}

TEST_CASE("slots record: of a journal, the newest whole line of each app counts") {
  const auto of = [](const std::string& app, SlotState state) {
    return SlotsRecord{app, "boot-1", {slot(1, state)}};
  };
  const std::string head = journal_head(7);
  const std::string web = to_text(of("web", SlotState::starting));
  const std::string healthy = to_text(of("web", SlotState::healthy));
  const std::string api = to_text(of("a\npi", SlotState::unhealthy));
  CHECK(journal_from_text(head)->number == 7);
  CHECK(journal_from_text(head)->slots.empty());
  CHECK(journal_from_text(head + web)->slots.at("web") == of("web", SlotState::starting));
  const SlotsRecords both = journal_from_text(head + web + api + healthy)->slots;
  CHECK(both.size() == 2);
  CHECK(both.at("web") == of("web", SlotState::healthy));
  CHECK(both.at("a\npi") == of("a\npi", SlotState::unhealthy));
  // Killed while it wrote, and what is no line of ours.
  const std::string cut = head + web + healthy.substr(0, healthy.size() - 1);
  CHECK(journal_from_text(cut)->slots.at("web") == of("web", SlotState::starting));
  CHECK(journal_from_text(head + "{}\n\n" + web + "\xff\n" + std::string(70'000, '[') + "\n")->slots.size() ==
        1);
  for (const std::string& bad : {std::string(), head.substr(0, head.size() - 1), web, std::string("[]\n"),
                                 std::string("{\"journal\":-1}\n"), std::string("{\"journal\":\"7\"}\n")}) {
    CAPTURE(bad);
    CHECK_FALSE(journal_from_text(bad).has_value());
  }
}
