#include "spec/configuration_record.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "config/app_folder.h"
#include "config/daemon_user.h"
#include "config/keys.h"
#include "configuration_sample.h"
#include "spec/state_json.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;

namespace {

// The paths below `usual` at which none of `all` has another value.
void collect_usual(const Json& usual, const std::vector<Json>& all, const std::string& path,
                   std::vector<std::string>& found) {
  if (!usual.is_object()) {
    if (std::ranges::count(all, usual) == std::ssize(all)) found.push_back(path);
    return;
  }
  for (const auto& [key, value] : usual.items()) {
    std::vector<Json> below;
    for (const Json& one : all) below.push_back(one.at(key));
    collect_usual(value, below, path + "." + key, found);
  }
}
template <class T>
std::vector<std::string> usual_in(const std::vector<T>& samples) {
  std::vector<Json> all;
  for (const T& one : samples) all.push_back(StateWriter::encode(one));
  std::vector<std::string> found;
  collect_usual(StateWriter::encode(T()), all, "", found);
  return found;
}

}  // namespace

TEST_CASE("configuration record: with every key set to something else, it is read as it was written") {
  test::TempFolder folder;
  const config::Config config = test::sample_config(folder);
  auto record = configuration_from_text(test::text_of(config));
  REQUIRE_MESSAGE(record.has_value(), record.error().what);
  test::check_same(record->config, config);
  CHECK(record->file == "/etc/gv.toml");
  CHECK(record->when == test::kWhen);
}

TEST_CASE("configuration record: the sample of the test leaves no key at its default") {
  test::TempFolder folder;
  const config::Config config = test::sample_config(folder);
  CHECK(usual_in(std::vector{config.daemon}) == std::vector<std::string>{});
  CHECK(usual_in(config.listeners) == std::vector<std::string>{});
  CHECK(usual_in(config.apps) == std::vector<std::string>{});
  CHECK_FALSE(config.places.entries().empty());
  REQUIRE(config.trees != nullptr);
  CHECK(config.trees->size() == 2);
  CHECK(config.files.size() == 2);
}

TEST_CASE("configuration record: what is as by default is read as it was written") {
  for (const std::string_view text : {"", "[app.web]\ncommand = \"server\"\n",
                                      "[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:80\"\n",
                                      "[listen.public]\naddress = \"*:80\"\n"}) {
    CAPTURE(text);
    const config::Config config = test::config_of(text);
    test::check_same(test::back(config), config);
    CHECK(config.trees == nullptr);
  }
}

TEST_CASE("configuration record: paths of any bytes survive") {
  const config::Config config = test::config_of(
      "[app.web]\ncommand = \"x\"\ndirectory = \"srv\"\nenvironment_file = \"a.env\"\nlog.stdout = "
      "\"l/web.log\"\n",
      "/etc/\xff\n/gv.toml");
  CHECK(config.apps.front().directory == "/etc/\xff\n/srv");
  test::check_same(test::back(config), config);
}

// The one that a daemon cannot read again would turn a crash into an outage.
TEST_CASE("configuration record: every configuration that files can give is read again") {
  std::size_t read = 0;
  const std::filesystem::path source = GV_SOURCE_DIR;
  for (const std::filesystem::path& where : {source / "configs", source / "test/fuzz/corpus/config"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(where)) {
      if (!entry.is_regular_file()) continue;
      auto text = base::read_file(entry.path(), 1U << 20);
      REQUIRE(text.has_value());
      auto loaded = config::load_text(*text, "/etc/gv.toml", config::root_user());
      if (!loaded) continue;
      CAPTURE(entry.path().string());
      test::check_same(test::back(loaded->config), loaded->config);
      ++read;
    }
  }
  CHECK(read > 3);
}

TEST_CASE("configuration record: the folder of apps goes on as before, whatever the files say by now") {
  test::TempFolder folder;
  const config::Config before = test::sample_config(folder);
  const config::Config after = test::back(before);
  // None of the files that were read is looked at again but the one that changes.
  (void)folder.write("gv.toml", "this is no TOML", 0644);
  (void)folder.write("apps/late.toml",
                     "[app.late]\ncommand = \"later\"\nlisten = \"public\"\nroute = \"/l\"\n", 0644);
  (void)folder.write("apps/new.toml", "[app.new]\ncommand = \"new\"\n", 0644);
  const config::AppFolderChange change{.changed = {"late.toml", "new.toml"}, .missing = {}, .gone = {}};
  const auto load = [&](const config::Config& config) {
    auto loaded =
        config::load_app_folder(*config.trees, config.daemon.autodiscover, change, config::current_user());
    REQUIRE_MESSAGE(loaded.has_value(), test::lines(loaded.error()));
    CHECK(loaded->refused.empty());
    return std::move(loaded->loaded.config);
  };
  const config::Config expected = load(before);
  test::check_same(load(after), expected);
  CHECK(expected.find_app("late")->command.front() == "later");
  CHECK(expected.find_app("new") != nullptr);
  CHECK(expected.find_app("web")->instances == 4);
}

TEST_CASE("configuration record: apps of a file that no longer has them stay in force") {
  test::TempFolder folder;
  config::Config config = test::sample_config(folder);
  config::Files now = *config.trees;
  now.back().tree.clear();
  config.trees = std::make_shared<const config::Files>(config::with_lost(now, *config.trees));
  CHECK(config::apps_of(config.trees->back()) == std::set<std::string>{"late"});
  test::check_same(test::back(config), config);
}

TEST_CASE("configuration record: a tree of values of every kind survives") {
  test::TempFolder folder;
  config::Config config = test::sample_config(folder);
  config::Findings findings;
  config::Files files = *config.trees;
  files.front().tree = config::parse(
      "a = [1, -9223372036854775808, 1.5, 1e300, inf, -inf, nan, true, 2026-05-01, [], {}, [[{ b.c = '' "
      "}]]]\n",
      files.front().name, findings);
  REQUIRE_FALSE(findings.failed());
  files.front().tree.push_back(
      {"\xff", {files.front().name, 1, 2}, {{files.front().name, 3, 4}, std::string("\xfe\0", 2)}});
  config.trees = std::make_shared<const config::Files>(files);
  test::check_same(test::back(config), config);
}

TEST_CASE("configuration record: versions") {
  Json json = Json::parse(test::text_of(test::config_of("")));
  CHECK(json["version"] == 1);
  json["version"] = 2;
  CHECK(test::error_of(json.dump()) ==
        "version 2 was written by a newer gracevisor: this one reads version 1");
  for (const Json& bad : {Json(), Json(0), Json(-1), Json("1"), Json(1.0)}) {
    json["version"] = bad;
    CHECK(test::error_of(json.dump()) == "damaged: no version");
  }
  CHECK(test::error_of("[]") == "damaged: no JSON object");
}

TEST_CASE("configuration record: what is missing on top is an error, and within it has its default") {
  const Json good = Json::parse(test::text_of(test::config_of("[app.web]\ncommand = \"x\"\n")));
  for (const char* key : {"file", "when", "config"}) {
    Json bad = good;
    bad.erase(key);
    CAPTURE(key);
    CHECK_FALSE(test::error_of(bad.dump()).empty());
  }
  for (const auto& [key, value] : good["config"].items()) {
    Json bad = good;
    bad["config"].erase(key);
    CHECK(test::error_of(bad.dump()) == "config." + key + " is missing");
  }
  Json older = good;
  older["config"]["apps"][0].erase("restart");
  older["config"]["apps"][0]["colour"] = "blue";
  CHECK(test::error_of(older.dump()).empty());
  older["config"]["daemon"].erase("state_dir");
  CHECK(test::error_of(older.dump()).starts_with("config.daemon.state_dir: expected a path"));
}

TEST_CASE("configuration record: it is read from its folder, and only if it is the daemon's user's alone") {
  test::TempFolder folder;
  const auto file = configuration_path(folder.path());
  CHECK(file == folder / "configuration.json");
  CHECK(load_configuration(folder.path()).error().code == ENOENT);
  const config::Config config = test::config_of("[app.web]\ncommand = \"x\"\n");
  const auto put = [&](unsigned mode) {
    REQUIRE(base::replace_file(file, test::text_of(config), mode).has_value());
  };
  const auto error = [&] {
    auto record = load_configuration(folder.path());
    return record ? std::string() : record.error().what;
  };
  put(0600);
  auto record = load_configuration(folder.path());
  REQUIRE(record.has_value());
  test::check_same(record->config, config);
  put(0640);
  CHECK(error().ends_with("configuration.json is open to other users"));
  put(0600);
  REQUIRE(::link(file.c_str(), (folder / "second").c_str()) == 0);
  CHECK(error().find("has a second name") != std::string::npos);
  REQUIRE(base::replace_file(file, "{}", 0600).has_value());
  CHECK(error() == file.string() + ": damaged: no version");
  std::filesystem::rename(file, folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", file);
  CHECK(error().find("cannot open") != std::string::npos);
  std::filesystem::remove(file);
  if (::geteuid() != 0) {
    test::skip("only root can give a file to another user");
    return;
  }
  put(0600);
  REQUIRE(::chown(file.c_str(), 12345, 12345) == 0);
  CHECK(error().find("belongs to another user (uid 12345)") != std::string::npos);
}
