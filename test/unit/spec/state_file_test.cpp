#include "spec/state_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "spec/state_json.h"
#include "state_sample.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;
using base::GenerationId;
using nlohmann::json;

namespace {

constexpr auto kOwn = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;

AppState sample_state() {
  return {"web", GenerationId(43), GenerationId(42), std::make_shared<const Spec>(test::sample_spec())};
}

DeployState guard_of(const AppState& state) {
  return {.generation = state.candidate, .old = state.live, .step = DeployStep::guarding, .verb = "deploy"};
}

// Paths of values that are equal in both, which a sample must not have with the default.
void collect_equal(const json& a, const json& b, const std::string& path, std::vector<std::string>& equal) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) {
      std::string below = path;
      below.append(".").append(key);
      collect_equal(value, b.at(key), below, equal);
    }
  } else if (a == b) {
    equal.push_back(path);
  }
}

std::string error_of(const json& document) {
  auto state = from_text(document.dump());
  return state ? "" : state.error().what;
}

}  // namespace

TEST_CASE("state file: every field of the spec survives, whatever bytes it holds") {
  AppState before = sample_state();
  auto after = from_text(to_text(before));
  REQUIRE(after.has_value());
  CHECK(after->app == "web");
  CHECK(after->last_generation == GenerationId(43));
  CHECK(after->live == GenerationId(42));
  REQUIRE(after->live_spec != nullptr);
  CHECK(test::show(*after->live_spec) == test::show(*before.live_spec));
}

// former_record.json was written by a daemon from before the table of keys (config/key.h). A key that is
// renamed keeps its name in the file: see `named`.
TEST_CASE("state file: the record of a former daemon is read whole, and written again with all that it has") {
  Spec sample = test::sample_spec();
  // It knew none of these.
  const config::App usual;
  sample.app.scaled_from.reset();
  sample.app.restart.success_exit_codes = usual.restart.success_exit_codes;
  sample.app.restart.retry_fatal = usual.restart.retry_fatal;
  sample.app.log.format = usual.log.format;
  sample.app.log.max_age = usual.log.max_age;
  sample.app.log.total_size = usual.log.total_size;
  sample.app.log.compress = usual.log.compress;
  const config::Listener usual_listener;
  for (config::Listener& listener : sample.listeners) {
    listener.access_max_size = usual_listener.access_max_size;
    listener.access_keep = usual_listener.access_keep;
    listener.access_max_age = usual_listener.access_max_age;
    listener.access_total_size = usual_listener.access_total_size;
    listener.access_compress = usual_listener.access_compress;
  }
  sample.app.umask = usual.umask;
  sample.app.supplementary_groups = usual.supplementary_groups;
  sample.app.no_new_privileges = usual.no_new_privileges;
  sample.app.capabilities = usual.capabilities;
  sample.app.private_tmp = usual.private_tmp;
  sample.app.read_only = usual.read_only;
  sample.app.limits = usual.limits;
  sample.no_new_privileges = false;
  std::ifstream file(std::filesystem::path(GV_SOURCE_DIR) / "test/unit/spec/former_record.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto state = from_text(text);
  REQUIRE(state.has_value());
  CHECK(state->last_generation == GenerationId(44));
  CHECK(state->stopped->uid == 1000);
  for (const SpecRef& spec : {state->live_spec, state->candidate_spec}) {
    REQUIRE(spec != nullptr);
    CHECK(test::show(*spec) == test::show(sample));
  }
  for (const json& change : json::diff(json::parse(text), json::parse(to_text(*state)))) {
    CAPTURE(change.dump());
    CHECK((change["op"] == "add" || change["path"] == "/version"));
  }
}

TEST_CASE("state file: the sample of the test leaves no field at its default") {
  std::vector<std::string> equal;
  collect_equal(StateWriter::encode(test::sample_spec()), StateWriter::encode(Spec{}), "spec", equal);
  CHECK(equal == std::vector<std::string>{});
}

TEST_CASE("state file: every kind of endpoint survives") {
  for (auto kind : {config::EndpointKind::port, config::EndpointKind::socket, config::EndpointKind::fd,
                    config::EndpointKind::none}) {
    CAPTURE(static_cast<int>(kind));
    Spec spec = test::sample_spec();
    spec.app.endpoint = kind;
    auto after = from_text(
        to_text({"web", GenerationId(43), GenerationId(42), std::make_shared<const Spec>(std::move(spec))}));
    REQUIRE(after.has_value());
    CHECK(after->live_spec->app.endpoint == kind);
  }
}

TEST_CASE("state file: the largest numbers survive") {
  AppState state{"web", GenerationId(kMaxGeneration), GenerationId(0), nullptr};
  auto after = from_text(to_text(state));
  REQUIRE(after.has_value());
  CHECK(after->last_generation == GenerationId(kMaxGeneration));
  CHECK(after->live_spec == nullptr);
}

TEST_CASE("state file: a generation number that could overflow is damage") {
  for (std::uint64_t number : {kMaxGeneration + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    CAPTURE(number);
    json bad = json::parse(to_text(sample_state()));
    bad["last_generation"] = number;
    CHECK(error_of(bad) == "damaged: last_generation is too large");
    bad["live"] = number;
    CHECK(error_of(bad) == "damaged: last_generation is too large");
    bad = json::parse(to_text(sample_state()));
    bad["live"] = number;
    CHECK(error_of(bad) == "damaged: live is above last_generation");
  }
}

TEST_CASE("state file: more instances than a configuration may ask for are damage") {
  for (unsigned number : {0U, 1001U, ~0U}) {
    json bad = json::parse(to_text(sample_state()));
    bad["live_spec"]["app"]["instances"] = number;
    CHECK(error_of(bad) == "live_spec.app.instances is out of range");
  }
}

TEST_CASE("state file: both generations of a guard survive, and who stopped the app") {
  AppState before = sample_state();
  before.candidate = GenerationId(43);
  before.candidate_spec = before.live_spec;
  before.deploys = {guard_of(before)};
  before.stopped = Stopped{1000, std::chrono::sys_days(std::chrono::May / 1 / 2026)};
  auto after = from_text(to_text(before));
  REQUIRE(after.has_value());
  CHECK(after->live == GenerationId(42));
  CHECK(after->candidate == GenerationId(43));
  REQUIRE(after->candidate_spec != nullptr);
  CHECK(test::show(*after->candidate_spec) == test::show(*before.live_spec));
  REQUIRE(after->stopped.has_value());
  CHECK(after->stopped->uid == 1000);
  CHECK(after->stopped->at == before.stopped->at);
}

TEST_CASE("state file: a candidate out of range and a stop that is none are damage, a missing one is not") {
  AppState state = sample_state();
  state.candidate = GenerationId(43);
  state.candidate_spec = state.live_spec;
  state.deploys = {guard_of(state)};
  state.stopped = Stopped{0, {}};
  const json good = json::parse(to_text(state));
  for (std::uint64_t number : {std::uint64_t{42}, std::uint64_t{44}, ~std::uint64_t{0}}) {
    json bad = good;
    bad["candidate"] = number;
    CHECK(error_of(bad) == "damaged: candidate is out of range");
  }
  json bad = good;
  bad["candidate"] = 0;
  CHECK(error_of(bad) == "damaged: candidate and candidate_spec contradict each other");
  for (const json& stopped : {json(true), json{{"uid", 0}}, json{{"uid", std::uint64_t{1} << 32}, {"at", 0}},
                              json{{"uid", 0}, {"at", -1}}, json{{"uid", 0}, {"at", ~std::uint64_t{0}}}}) {
    bad = good;
    bad["stopped"] = stopped;
    CHECK(error_of(bad) == "stopped is damaged");
  }
  json older = good;
  older["version"] = 1;
  older.erase("candidate");
  older.erase("candidate_spec");
  older.erase("stopped");
  auto read = from_text(older.dump());
  REQUIRE(read.has_value());
  CHECK(read->candidate_spec == nullptr);
  CHECK_FALSE(read->stopped.has_value());
}

TEST_CASE("state file: an app that is not running keeps its highest generation") {
  auto after = from_text(to_text({"web", GenerationId(7), GenerationId(0), nullptr}));
  REQUIRE(after.has_value());
  CHECK(after->last_generation == GenerationId(7));
  CHECK(after->live == GenerationId(0));
}

TEST_CASE("state file: what is truncated at any place is an error, never a crash") {
  std::string whole = to_text(sample_state());
  REQUIRE(from_text(whole).has_value());
  // The last byte is the newline behind the object.
  for (std::size_t length = 0; length + 2 <= whole.size(); ++length) {
    CHECK_FALSE(from_text(whole.substr(0, length)).has_value());
  }
}

TEST_CASE("state file: any value of a wrong type is an error with its path") {
  json good = json::parse(to_text(sample_state()));
  REQUIRE(error_of(good).empty());
  json flat = good.flatten();
  for (const auto& [path, value] : flat.items()) {
    if (path == "/version" || path.ends_with("/hex")) continue;
    CAPTURE(path);
    json bad = flat;
    bad[path] = value.is_number() ? json("text") : json(3.5);
    auto state = from_text(bad.unflatten().dump());
    CHECK_FALSE(state.has_value());
  }
  json bad = good;
  bad["live_spec"]["app"]["stop"]["ladder"][0]["signal"] = -99999999999;
  CHECK(error_of(bad) == "live_spec.app.stop.ladder.signal is damaged");
  bad = good;
  bad["live_spec"]["app"]["restart"]["policy"] = "sometimes";
  CHECK(error_of(bad) == "live_spec.app.restart.policy is damaged");
  bad = good;
  bad["live_spec"]["app"]["proxy_options"]["half_close"] = "";
  CHECK(error_of(bad) == "live_spec.app.proxy_options.half_close is damaged");
  bad = good;
  bad["live_spec"]["app"]["deploy"]["timeout"] = -1;
  CHECK(error_of(bad) == "live_spec.app.deploy.timeout is damaged");
}

TEST_CASE("state file: an unknown version and contradictions are errors") {
  json good = json::parse(to_text(sample_state()));
  json bad = good;
  for (std::uint64_t version : {std::uint64_t{0}, std::uint64_t{3}, ~std::uint64_t{0}}) {
    bad["version"] = version;
    CHECK(error_of(bad) == "version " + std::to_string(version) + " is unknown, this daemon writes 2");
  }
  bad = good;
  bad.erase("version");
  CHECK(error_of(bad) == "damaged: no version");
  bad = good;
  bad["live"] = 44;
  CHECK(error_of(bad) == "damaged: live is above last_generation");
  bad = good;
  bad["live_spec"] = nullptr;
  CHECK(error_of(bad) == "damaged: live and live_spec contradict each other");
  bad = good;
  bad["app"] = "api";
  CHECK(error_of(bad) == "live_spec is of another app");
  bad = good;
  bad["live_spec"].erase("program");
  CHECK(error_of(bad) == "live_spec has no program");
  CHECK(error_of(json::array()) == "damaged: no JSON object");
}

TEST_CASE("state file: a key that an older daemon did not write has its default, unknown keys are no error") {
  json older = json::parse(to_text(sample_state()));
  older["live_spec"]["app"].erase("stop");
  older["live_spec"]["app"]["health"].erase("timeout");
  older["live_spec"]["app"]["colour"] = "blue";
  auto state = from_text(older.dump());
  REQUIRE(state.has_value());
  CHECK(state->live_spec->app.stop.ladder.size() == 1);
  CHECK(state->live_spec->app.health.timeout == config::Health{}.timeout);
}

TEST_CASE("state file: deep nesting is refused without exhausting the stack") {
  std::string deep(1U << 20, '[');
  CHECK_FALSE(from_text(deep).has_value());
  deep += std::string(1U << 20, ']');
  CHECK_FALSE(from_text(deep).has_value());
}

TEST_CASE("state file: names cannot leave the folder, and different names are different files") {
  std::filesystem::path dir = "/var/lib/gracevisor";
  CHECK(state_path(dir, "web") == "/var/lib/gracevisor/apps/web.json");
  CHECK(state_path(dir, "web-2_b.c") == "/var/lib/gracevisor/apps/web-2_b.c.json");
  CHECK(state_path(dir, "../../etc/passwd") == "/var/lib/gracevisor/apps/%2E.%2F..%2Fetc%2Fpasswd.json");
  CHECK(state_path(dir, ".") == "/var/lib/gracevisor/apps/%2E.json");
  CHECK(state_path(dir, "%2E") == "/var/lib/gracevisor/apps/%252E.json");
  CHECK(state_path(dir, std::string("a\0b", 3)) == "/var/lib/gracevisor/apps/a%00b.json");
}

TEST_CASE("state file: a damaged file is set aside while the others load") {
  test::TempFolder folder;
  std::filesystem::create_directory(folder / "apps");
  auto put_text = [&](const std::filesystem::path& file, const std::string& text) {
    test::put_content(file, text);
    std::filesystem::permissions(file, kOwn);
  };
  auto put = [&](const AppState& state) { put_text(state_path(folder.path(), state.app), to_text(state)); };
  put(sample_state());
  put({"api", GenerationId(3), GenerationId(0), nullptr});
  put({"we/ird", GenerationId(4), GenerationId(0), nullptr});
  put_text(folder / "apps/broken.json", "{ \"version\": 1, ");
  put_text(folder / "apps/stolen.json", to_text({"other", GenerationId(3), GenerationId(0), nullptr}));
  test::put_content(folder / "apps/web.json.new", "half-written");
  test::put_content(folder / "apps/older.json.bad", "set aside before");
  std::filesystem::create_directory(folder / "apps/folder.json");

  auto loaded = load_states(folder.path());
  CHECK(loaded.states.size() == 3);
  CHECK(loaded.states.at("web").live == GenerationId(42));
  CHECK(loaded.states.at("we/ird").last_generation == GenerationId(4));
  REQUIRE(loaded.problems.size() == 3);
  CHECK(loaded.problems[0] ==
        (folder / "apps/broken.json").string() + ": damaged: no JSON object; set aside as broken.json.bad");
  CHECK(loaded.problems[1].find("folder.json is a directory") != std::string::npos);
  CHECK(loaded.problems[2].find("it is the state of the app other") != std::string::npos);
  CHECK(test::content_of(folder / "apps/broken.json.bad") == "{ \"version\": 1, ");
  CHECK_FALSE(std::filesystem::exists(folder / "apps/broken.json"));

  loaded = load_states(folder.path());
  CHECK(loaded.states.size() == 3);
  CHECK(loaded.problems.empty());
}

TEST_CASE("state file: the first start has no states and no problem") {
  test::TempFolder folder;
  auto loaded = load_states(folder.path());
  CHECK(loaded.states.empty());
  CHECK(loaded.problems.empty());
}

TEST_CASE("state file: one that another user may have written is set aside and never run") {
  test::TempFolder folder;
  std::filesystem::create_directory(folder / "apps");
  auto file = state_path(folder.path(), "web");
  auto problem = [&] {
    auto loaded = load_states(folder.path());
    CHECK(loaded.states.empty());
    REQUIRE(loaded.problems.size() == 1);
    CHECK_FALSE(std::filesystem::exists(file));
    return loaded.problems.front();
  };
  auto put = [&] {
    test::put_content(file, to_text(sample_state()));
    std::filesystem::permissions(file, kOwn);
  };
  put();
  CHECK(load_states(folder.path()).states.size() == 1);
  std::filesystem::permissions(file, kOwn | std::filesystem::perms::group_write);
  CHECK(problem().find("web.json is open to other users; set aside") != std::string::npos);
  put();
  std::filesystem::create_hard_link(file, folder / "second");
  CHECK(problem().find("has a second name") != std::string::npos);
  put();
  std::filesystem::rename(file, folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", file);
  CHECK(problem().find("cannot open") != std::string::npos);
  if (::geteuid() != 0) {
    test::skip("only root can give a file to another user");
    return;
  }
  put();
  REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  CHECK(problem().find("belongs to another user (uid 12345)") != std::string::npos);
}
