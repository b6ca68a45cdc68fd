#include "config/settings.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "loading.h"

namespace gracevisor::config {

using test::config_of;

namespace {

constexpr std::string_view kWeb =
    "[app.web]\n"
    "command = \"server\"\n"
    "listen = \"public\"\n"
    "instances = 2\n"
    "environment = { A = \"secret\" }\n"
    "health = \"/ready\"\n"
    "[[app.web.routes]]\n"
    "path = \"/api\"\n"
    "[listen.public]\n"
    "address = \"127.0.0.1:80\"\n";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kWeb);
  return text.replace(text.find(from), from.size(), to);
}

const Setting& find(const std::vector<Setting>& settings, std::string_view table, std::string_view key) {
  const auto found = std::ranges::find_if(
      settings, [&](const Setting& one) { return one.table == table && one.key == key; });
  REQUIRE_MESSAGE(found != settings.end(), table << "." << key);
  return *found;
}

std::vector<std::string> differing(const std::vector<Setting>& settings) {
  std::vector<std::string> keys;
  for (const Setting& one : settings) {
    if (one.differs) keys.push_back(one.table + "." + one.key + ": " + one.value + " / " + one.files);
  }
  return keys;
}

}  // namespace

TEST_CASE("settings: each value has its place, that of its short form, or is the default") {
  const Config config = config_of(kWeb);
  const auto settings = settings_of(config.apps.front(), &config.apps.front(), config.places);
  CHECK(differing(settings).empty());
  const Setting& command = find(settings, "app.web", "command");
  CHECK(command.value == R"(["server"])");
  CHECK_FALSE(command.usual);
  REQUIRE(command.place);
  CHECK(command.place->line == 2);
  CHECK(find(settings, "app.web", "environment").value == R"({ A = "***" })");
  CHECK(find(settings, "app.web", "environment").place->line == 5);
  CHECK(find(settings, "app.web.health", "path").place->line == 6);
  CHECK_FALSE(find(settings, "app.web.health", "interval").place);
  CHECK_FALSE(find(settings, "app.web.health", "type").place);
  CHECK(find(settings, "app.web", "route").place->line == 7);
  const Setting& guard = find(settings, "app.web.deploy", "guard");
  CHECK(guard.usual);
  CHECK(guard.value == R"("10s")");
  CHECK_FALSE(guard.place);
  const auto shared = settings_of(config.listeners.front(), &config.listeners.front(), config.places);
  CHECK(find(shared, "listen.public", "address").place->line == 10);
}

TEST_CASE("settings: what the files say instead is beside the value, and a secret is in neither") {
  const Config now = config_of(kWeb);
  const auto compare = [&](const std::string& text) {
    const Config files = config_of(text);
    return differing(settings_of(now.apps.front(), &files.apps.front(), files.places));
  };
  using Texts = std::vector<std::string>;
  CHECK(compare(with("instances = 2", "instances = 3")) == Texts{"app.web.instances: 2 / 3"});
  CHECK(compare(with("instances = 2\n", "")) == Texts{"app.web.instances: 2 / 1"});
  CHECK(compare(with("A = \"secret\"", "A = \"other\"")) ==
        Texts{R"(app.web.environment: { A = "***" } / { A = "***" })"});
  CHECK(compare(with("environment = { A = \"secret\" }\n", "")) ==
        Texts{R"(app.web.environment: { A = "***" } / {})"});
  CHECK(compare(with("/ready", "/health")) == Texts{R"(app.web.health.path: "/ready" / "/health")"});
}

TEST_CASE("settings: without files there is no place and no difference") {
  const Config config = config_of(kWeb);
  for (const Setting& one : settings_of(config.apps.front(), nullptr, {})) {
    CHECK_FALSE(one.differs);
    CHECK_FALSE(one.place);
  }
}

TEST_CASE("settings: tables that have no meaning in one of the two are told by the other") {
  const Config now = config_of("[app.w]\ncommand = \"x\"\nendpoint = \"none\"\n");
  const Config files = config_of("[app.w]\ncommand = \"x\"\nlisten = \"127.0.0.1:80\"\nhealth = \"/h\"\n");
  const auto settings = settings_of(now.apps.front(), &files.apps.front(), files.places);
  const Setting& path = find(settings, "app.w.health", "path");
  CHECK(path.value.empty());
  CHECK(path.files == R"("/h")");
  CHECK(path.place->line == 4);
}

}  // namespace gracevisor::config
