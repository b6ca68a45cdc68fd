// plan(): one incarnation's process, and differences() between two specs.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "spec/spec.h"

namespace gracevisor::spec {
namespace {

Spec spec_of_web() {
  Spec spec;
  spec.app.name = "web";
  spec.app.command = {"server", "--port={port}", "{app}/{slot}/{generation}", "{directory}", "{{literal}}"};
  spec.app.environment = {{"URL", "http://127.0.0.1:{port}/"}};
  spec.directory = "/srv/web/v1";
  spec.program = "/usr/bin/server";
  spec.environment = {{"PATH", "/usr/bin"}, {"URL", "http://127.0.0.1:{port}/"}, {"JSON", "{\"a\": 1}"}};
  spec.credentials = spawn::Credentials{33, 33, {33}, "www-data", "/var/www", "/usr/sbin/nologin"};
  return spec;
}
const Placement kPlacement{base::GenerationId(42), base::Slot(1), base::Port(21004)};

std::optional<std::string> variable(const spawn::SpawnPlan& plan, const std::string& key) {
  auto is_key = [&key](const std::string& entry) { return entry.starts_with(key + "="); };
  CHECK(std::ranges::count_if(plan.environment, is_key) <= 1);
  auto found = std::ranges::find_if(plan.environment, is_key);
  if (found == plan.environment.end()) return std::nullopt;
  return found->substr(key.size() + 1);
}
spawn::SpawnPlan plan_of(const Spec& spec, const Placement& placement = kPlacement) {
  auto result = plan(spec, placement);
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what));
  return *result;
}

TEST_CASE("plan: placeholders are filled in words and in the table's variables, nowhere else") {
  auto result = plan_of(spec_of_web());
  CHECK(result.program == "/usr/bin/server");
  CHECK(result.argv ==
        std::vector<std::string>{"server", "--port=21004", "web/1/42", "/srv/web/v1", "{literal}"});
  CHECK(result.directory == "/srv/web/v1");
  CHECK(variable(result, "URL") == "http://127.0.0.1:21004/");
  CHECK(variable(result, "JSON") == "{\"a\": 1}");
}

TEST_CASE("plan: the process learns who it is, where it listens and who runs it") {
  auto result = plan_of(spec_of_web());
  CHECK(result.environment[0] == "GV_APP=web");
  CHECK(result.environment[1] == "GV_INSTANCE=42.1");
  CHECK(variable(result, "GV_GENERATION") == "42");
  CHECK(variable(result, "PORT") == "21004");
  CHECK(variable(result, "HOST") == "127.0.0.1");
  CHECK(variable(result, "HOME") == "/var/www");
  CHECK(variable(result, "USER") == "www-data");
  CHECK(variable(result, "LOGNAME") == "www-data");
  CHECK(variable(result, "SHELL") == "/usr/sbin/nologin");
  REQUIRE(result.credentials.has_value());
  CHECK(result.credentials->uid == 33);
}

TEST_CASE("plan: the mark of the state folder goes to the process, and nobody else's marks do") {
  Spec spec = spec_of_web();
  spec.environment["GV_STATE"] = "outer";
  spec.environment["GV_RUN"] = "7";
  Placement placement = kPlacement;
  placement.state = "0123";
  CHECK(variable(plan_of(spec, placement), "GV_STATE") == "0123");
  for (const auto& entry : plan_of(spec).environment) {
    CHECK_FALSE(entry.starts_with("GV_STATE="));
    CHECK_FALSE(entry.starts_with("GV_RUN="));
  }
}

TEST_CASE("plan: the table wins over PORT and HOME, a file over HOME alone, nobody over GV_APP") {
  auto spec = spec_of_web();
  spec.environment["PORT"] = "3000";
  spec.environment["HOME"] = "/from/file";
  spec.environment["GV_APP"] = "other";
  auto result = plan_of(spec);
  CHECK(variable(result, "PORT") == "21004");
  CHECK(variable(result, "HOME") == "/from/file");
  CHECK(variable(result, "GV_APP") == "web");
  spec.app.environment["PORT"] = spec.environment["PORT"] = "1{port}";
  spec.app.environment["HOME"] = spec.environment["HOME"] = "{directory}";
  result = plan_of(spec);
  CHECK(variable(result, "PORT") == "121004");
  CHECK(variable(result, "HOME") == "/srv/web/v1");
}

TEST_CASE("plan: an app without endpoint has neither PORT nor {port}") {
  auto spec = spec_of_web();
  Placement placement = kPlacement;
  placement.port = base::Port(0);
  auto refused = plan(spec, placement);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().what == "app.web.command: an app without endpoint has no {port}");
  spec.app.command = {"server"};
  spec.app.environment.clear();
  spec.environment.erase("URL");
  auto result = plan_of(spec, placement);
  CHECK(!variable(result, "PORT").has_value());
  CHECK(!variable(result, "HOST").has_value());
}

TEST_CASE("plan: an app at a Unix socket has SOCKET and {socket} instead of PORT, HOST and {port}") {
  auto spec = spec_of_web();
  spec.app.endpoint = config::EndpointKind::socket;
  const Placement placement{base::GenerationId(42), base::Slot(1), {}, "/run/gv/apps/web/42/1-7.sock"};
  auto refused = plan(spec, placement);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().what == "app.web.command: an app on a Unix socket has no {port}");
  spec.app.command = {"server", "--bind=unix:{socket}"};
  spec.app.environment = {{"URL", "unix:{socket}"}};
  spec.environment["SOCKET"] = "/from/file";
  auto result = plan_of(spec, placement);
  CHECK(result.argv.at(1) == "--bind=unix:/run/gv/apps/web/42/1-7.sock");
  CHECK(variable(result, "URL") == "unix:/run/gv/apps/web/42/1-7.sock");
  CHECK(variable(result, "SOCKET") == "/run/gv/apps/web/42/1-7.sock");
  CHECK(!variable(result, "PORT").has_value());
  CHECK(!variable(result, "HOST").has_value());
  CHECK(result.listener == -1);
}

TEST_CASE("differences: equal specs have none") {
  CHECK(differences(spec_of_web(), spec_of_web()).empty());
}

TEST_CASE("differences: command, directory, variables, user and keys, each once and by its name") {
  auto from = spec_of_web();
  auto to = from;
  to.app.command.emplace_back("--more");
  to.directory = "/srv/web/v2";
  to.environment["SMTP_URL"] = "smtp://x";
  to.environment["PATH"] = "/bin";
  to.environment.erase("JSON");
  to.credentials->uid = 34;
  to.app.instances = 2;
  to.app.health.path = "/up";
  to.app.health.path_given = true;
  to.app.stop.ladder = {{2, config::Millis(1)}};
  to.app.proxy_options.max_body = 1;
  to.app.source.line = 7;  // no difference to anybody
  const std::string expected =
      "command, directory, environment.JSON, environment.PATH, environment.SMTP_URL, user, instances, "
      "health.path, stop.signal, proxy_options.max_body";
  CHECK(names_of(differences(from, to)) == expected);
  CHECK(names_of(differences(to, from)) == expected);
}

TEST_CASE("differences: values are told from old to new, but not those that may be secret") {
  Spec from;
  from.app.command = {"./web", "--port", "{port}"};
  from.environment = {{"GONE", "secret"}, {"KEY", "secret"}};
  Spec to = from;
  to.app.command = {"./web", "--port", "8000"};
  to.app.instances = 3;
  to.app.health.headers = {{"Authorization", "secret"}};
  to.environment = {{"KEY", "other secret"}, {"NEW", "secret"}};
  CHECK(changes_of(differences(from, to)) ==
        R"(command ["./web", "--port", "{port}"] -> ["./web", "--port", "8000"], environment.GONE gone, )"
        R"(environment.KEY changed, environment.NEW new, instances 1 -> 3, )"
        R"(health.headers {} -> { Authorization = "***" })");
  Spec third = to;
  third.app.health.headers = {{"Authorization", "other secret"}};
  CHECK(changes_of(differences(to, third)) == "health.headers changed");
  to = from;
  to.app.command.emplace_back(200, 'x');
  CHECK(changes_of(differences(from, to)).size() < 200);
  CHECK(changes_of({}).empty());
}

TEST_CASE("differences: another user is one change, with what follows from it") {
  Spec from;
  from.environment = {{"HOME", "/home/a"}, {"USER", "a"}, {"LOGNAME", "a"}, {"SHELL", "/bin/sh"}};
  from.credentials = Credentials{1, 1, {}, "a", "/home/a", "/bin/sh"};
  Spec to;
  to.credentials = Credentials{2, 2, {}, "b", "/home/b", "/bin/sh"};
  CHECK(changes_of(differences(from, to)) == "user a -> b");
  from.environment["HOME"] = "/srv/a";  // as its author wanted it
  CHECK(changes_of(differences(from, to)) == "environment.HOME gone, user a -> b");
}

TEST_CASE("differences: each says what it takes") {
  using config::Takes;
  auto from = spec_of_web();
  from.listeners.emplace_back().name = "public";
  auto to = from;
  to.environment["PATH"] = "/bin";
  to.app.instances = 2;
  to.app.health.kind = config::Health::Kind::tcp;
  to.app.restart.policy = config::Restart::Policy::never;
  to.app.log.keep = 1;
  to.app.proxy_options.response_headers.remove = {"Server"};
  to.listeners.front().max_head = 300;
  to.listeners.front().proxy_protocol = true;
  std::vector<std::pair<std::string, Takes>> found;
  for (const config::Difference& difference : differences(from, to)) {
    found.emplace_back(difference.name, difference.takes);
  }
  const std::vector<std::pair<std::string, Takes>> expected = {
      {"environment.PATH", Takes::deploy},
      {"instances", Takes::scale},
      {"health.type", Takes::deploy},
      {"restart.policy", Takes::next_use},
      {"log.keep", Takes::writer},
      {"proxy_options.response_headers.remove", Takes::table},
      {"listen.public.proxy_protocol", Takes::listener},
      {"listen.public.max_head", Takes::table}};
  CHECK(found == expected);
}

TEST_CASE("differences: the same words that find another program") {
  auto from = spec_of_web();
  auto to = from;
  to.program = "/usr/local/bin/server";
  CHECK(names_of(differences(from, to)) == "program");
}

TEST_CASE("differences: a user that is set or no longer set") {
  auto from = spec_of_web();
  auto to = from;
  to.credentials.reset();
  CHECK(names_of(differences(from, to)) == "user");
  CHECK(differences(to, to).empty());
}

}  // namespace
}  // namespace gracevisor::spec
