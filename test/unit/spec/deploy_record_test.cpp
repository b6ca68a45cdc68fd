// What a state record says of deploys, of leaving generations and of the boot, and what it must not say.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "spec/state_file.h"
#include "state_sample.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;
using base::GenerationId;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

SpecRef sample() {
  return std::make_shared<const Spec>(test::sample_spec());
}

// Generation 42 is live, 41 and 40 leave, and a deploy brings 43.
AppState guarded() {
  AppState state{"web", GenerationId(44), GenerationId(42), sample(), GenerationId(43), sample(),
                 {},    "boot-1"};
  state.leaving = {{GenerationId(40), sample()}, {GenerationId(41), sample()}};
  state.deploys = {
      {GenerationId(41),
       GenerationId(40),
       DeployStep::undoing,
       "deploy",
       0,
       base::BootTime(1s),
       {},
       DeployEnding{base::ExitCode::rolled_back, "web@41 rolled back to @40"}},
      {GenerationId(42), GenerationId(41), DeployStep::finishing, "restart", std::nullopt,
       base::BootTime(2s)},
      {GenerationId(43), GenerationId(42), DeployStep::guarding, "deploy", 1000, base::BootTime(3s),
       base::BootTime(1h)},
  };
  return state;
}

std::string error_of(const json& document) {
  auto state = from_text(document.dump());
  return state ? "" : state.error().what;
}

json text_of(const AppState& state) {
  return json::parse(to_text(state));
}

}  // namespace

TEST_CASE("state file: deploys, leaving generations and the boot survive") {
  const AppState before = guarded();
  const auto after = from_text(to_text(before));
  REQUIRE(after.has_value());
  CHECK(after->boot == "boot-1");
  CHECK(after->deploys == before.deploys);
  REQUIRE(after->leaving.size() == 2);
  CHECK(after->leaving[0].id == GenerationId(40));
  CHECK(after->leaving[1].id == GenerationId(41));
  CHECK(test::show(*after->leaving[1].spec) == test::show(*before.leaving[1].spec));
  CHECK(after->guarding());
  CHECK(after->under_way()->generation == GenerationId(43));
}

TEST_CASE("state file: a long ending is cut, and read again") {
  AppState state = guarded();
  state.deploys[0].ending->text = std::string(5000, 'x');
  const auto after = from_text(to_text(state));
  REQUIRE(after.has_value());
  CHECK(after->deploys[0].ending->text == std::string(kMostDeployText, 'x'));
}

TEST_CASE("state file: of version 1 a candidate is one within its guard, and its boot is unknown") {
  json older = text_of(guarded());
  older["version"] = 1;
  for (const char* key : {"boot", "leaving", "deploys"}) older.erase(key);
  auto state = from_text(older.dump());
  REQUIRE(state.has_value());
  CHECK(state->guarding());
  CHECK(state->under_way()->old == GenerationId(42));
  CHECK(state->boot.empty());
  CHECK(reattachable(*state, "boot-1").empty());
  older["candidate"] = 0;
  older["candidate_spec"] = nullptr;
  state = from_text(older.dump());
  REQUIRE(state.has_value());
  CHECK_FALSE(state->guarding());
  CHECK(state->deploys.empty());
}

TEST_CASE("state file: contradictions between deploys and generations are damage") {
  struct Row {
    const char* name;
    std::function<void(json&)> change;
    const char* error;
  };
  constexpr const char* kStep = "damaged: the step of a deploy and its generations contradict each other";
  constexpr const char* kParts = "damaged: the generations of a deploy are not in it";
  const std::vector<Row> rows = {
      {"a candidate without its deploy", [](json& j) { j["deploys"].erase(2); },
       "damaged: candidate and deploys contradict each other"},
      {"a guard of what is no candidate", [](json& j) { j["deploys"][1]["step"] = "guarding"; }, kStep},
      {"a start of what is no candidate", [](json& j) { j["deploys"][1]["step"] = "spawning"; }, kStep},
      {"a candidate that has taken over", [](json& j) { j["deploys"][2]["step"] = "finishing"; }, kStep},
      {"a guard against another than the live one", [](json& j) { j["deploys"][2]["old"] = 41; }, kStep},
      {"a guard against none", [](json& j) { j["deploys"][2]["old"] = 0; }, kStep},
      {"a live one that leaves", [](json& j) { j["deploys"][1]["old"] = 42; }, kParts},
      {"a live one that is undone",
       [](json& j) {
         j["deploys"][0]["generation"] = 42;
         j["deploys"].erase(1);
       },
       kStep},
      {"an unknown generation", [](json& j) { j["deploys"][1]["generation"] = 39; }, kParts},
      {"an unknown old one", [](json& j) { j["deploys"][1]["old"] = 39; }, kParts},
      {"generation 0", [](json& j) { j["deploys"][1]["generation"] = 0; }, kParts},
      {"an end without undoing", [](json& j) { j["deploys"][1]["ending"] = j["deploys"][0]["ending"]; },
       "damaged: the step and the end of a deploy contradict each other"},
      {"undoing without an end", [](json& j) { j["deploys"][0]["ending"] = nullptr; },
       "damaged: the step and the end of a deploy contradict each other"},
      {"an end that is done", [](json& j) { j["deploys"][0]["ending"]["exit"] = 0; },
       "damaged: the end of a deploy is none"},
      {"a step that is none", [](json& j) { j["deploys"][1]["step"] = "checking"; },
       "damaged: a deploy is not whole"},
      {"a time after all", [](json& j) { j["deploys"][2]["guard_ends"] = ~std::uint64_t{0}; },
       "damaged: a deploy is not whole"},
      {"a time before all", [](json& j) { j["deploys"][2]["began"] = -1; }, "damaged: a deploy is not whole"},
      {"a user that is none", [](json& j) { j["deploys"][2]["uid"] = std::uint64_t{1} << 32; },
       "damaged: the user of a deploy is none"},
      {"a verb that is a book", [](json& j) { j["deploys"][2]["verb"] = std::string(65, 'x'); },
       "damaged: a deploy is not whole"},
      {"two deploys of one generation", [](json& j) { j["deploys"].push_back(j["deploys"][1]); },
       "damaged: two deploys bring the same generation"},
      {"many deploys",
       [](json& j) {
         j["deploys"] = json::array();
         j["deploys"][8] = nullptr;
       },
       "damaged: boot, leaving or deploys is missing"},
      {"no boot", [](json& j) { j.erase("boot"); }, "damaged: boot, leaving or deploys is missing"},
      {"a leaving one twice", [](json& j) { j["leaving"][1]["generation"] = 40; },
       "damaged: a generation is there twice"},
      {"the live one leaving", [](json& j) { j["leaving"][1]["generation"] = 42; },
       "damaged: a generation is there twice"},
      {"a leaving one from the future", [](json& j) { j["leaving"][1]["generation"] = 45; },
       "damaged: a leaving generation is above last_generation"},
      {"a leaving one without a number", [](json& j) { j["leaving"][1]["generation"] = 0; },
       "damaged: a leaving generation is none"},
      {"a leaving one without a spec", [](json& j) { j["leaving"][1]["spec"] = nullptr; },
       "leaving.spec is damaged"},
      {"a leaving one of another app", [](json& j) { j["leaving"][1]["spec"]["app"]["name"] = "api"; },
       "leaving.spec is of another app"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    json bad = text_of(guarded());
    row.change(bad);
    CHECK(error_of(bad) == row.error);
  }
}

TEST_CASE("state file: any value of a deploy that is of a wrong type is an error") {
  const json flat = text_of(guarded()).flatten();
  for (const auto& [path, value] : flat.items()) {
    if (!path.starts_with("/deploys") && path != "/boot" && !path.ends_with("/generation")) continue;
    CAPTURE(path);
    json bad = flat;
    bad[path] = value.is_number() ? json("text") : json(3.5);
    CHECK_FALSE(error_of(bad.unflatten()).empty());
  }
  for (const json& none : {json(3), json("x"), json::array(), json()}) {
    json bad = text_of(guarded());
    bad["deploys"][0] = none;
    CHECK(error_of(bad) == "damaged: a deploy is no object");
    bad = text_of(guarded());
    bad["leaving"][0] = none;
    CHECK(error_of(bad) == "damaged: a leaving generation is none");
  }
}

TEST_CASE("state file: all that it names can be reattached, in the same boot alone") {
  const AppState state = guarded();
  std::vector<std::uint64_t> ids;
  for (const auto& one : reattachable(state, "boot-1")) {
    CHECK(one.spec != nullptr);
    ids.push_back(one.id.value());
  }
  CHECK(ids == std::vector<std::uint64_t>{40, 41, 42, 43});
  CHECK(reattachable(state, "boot-2").empty());
  CHECK(reattachable(state, "").empty());
  CHECK(reattachable({"web", GenerationId(3), {}, nullptr}, "").empty());
}

TEST_CASE("state file: one of a newer version stays, a copy is kept, and its number counts on") {
  test::TempFolder folder;
  std::filesystem::create_directory(folder / "apps");
  const auto file = state_path(folder.path(), "web");
  const auto put = [&file](const json& content) {
    test::put_content(file, content.dump());
    std::filesystem::permissions(file,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  };
  json newer = text_of(guarded());
  newer["version"] = 3;
  newer["live"] = "a word, by then";
  put(newer);
  for (int boots = 0; boots < 2; ++boots) {
    const LoadedStates loaded = load_states(folder.path());
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems.front() ==
          file.string() +
              ": version 3 is unknown, this daemon writes 2; left as it is, with a "
              "copy as web.json.v3");
    REQUIRE(loaded.states.contains("web"));
    CHECK(loaded.states.at("web").last_generation == GenerationId(44));
    CHECK(loaded.states.at("web").live_spec == nullptr);
    CHECK(test::content_of(file) == newer.dump());
    CHECK(test::content_of(file.string() + ".v3") == newer.dump());
    CHECK_FALSE(std::filesystem::exists(file.string() + ".bad"));
  }
  CHECK(load_state(folder.path(), "web")->last_generation == GenerationId(44));
  // Of another app, or without a number that can be read: nothing is known, and the file stays all the same.
  for (const char* key : {"app", "last_generation"}) {
    json strange = newer;
    strange[key] = "api";
    put(strange);
    const LoadedStates loaded = load_states(folder.path());
    CHECK(loaded.problems.size() == 1);
    CHECK_FALSE(loaded.states.contains("api"));
    if (loaded.states.contains("web")) CHECK(loaded.states.at("web").last_generation == GenerationId());
    CHECK(test::content_of(file) == strange.dump());
  }
}
