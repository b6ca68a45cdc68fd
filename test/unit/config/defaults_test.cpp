#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/describe.h"
#include "config/keys.h"
#include "loading.h"

namespace gracevisor::config {

namespace {

// The same text with every example made live.
std::string with_examples(std::string text) {
  for (std::string_view key :
       {"command", "directory", "user",    "listen",  "route",    "path",          "expect",
        "host",    "stdout",    "address", "default", "access",   "access_log",    "no_new_privileges",
        "nofile",  "nproc",     "core",    "nice",    "io_class", "oom_score_adj", "memory",
        "tasks",   "cpu"}) {
    for (auto at = text.find("\n# " + std::string(key) + " "); at != std::string::npos;
         at = text.find("\n# " + std::string(key) + " ", at)) {
      text.erase(at + 1, 2);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("defaults: [limits] sets nothing, and has an example for each key") {
  const std::string text = defaults_text();
  const auto table = text.find("\n[app.web.limits]");
  REQUIRE(table != std::string::npos);
  CHECK(text.find("\n# nofile        = \"1024:4096\"", table) != std::string::npos);
}

namespace {

// Another value than the default of a key for later.
std::string another(const std::string& text) {
  if (text == "false") return "true";
  return text == R"("0s")" ? R"("1s")" : R"("rolling")";
}

std::vector<std::string> refused(const Section& section) {
  std::vector<std::string> names;
  const std::string table = section.path.substr(0, section.path.find('.', section.path.find('.') + 1));
  for (const Line& line : section.lines) {
    if (!line.later) continue;
    names.emplace_back(line.key.name);
    CAPTURE(line.key.name);
    std::string text =
        "[" + table + (table == "app.web" ? "]\ncommand = \"a\"\n" : "]\naddress = \"*:80\"\n");
    if (section.path != table) text += "[" + section.path + "]\n";
    const auto errors = test::errors_of(text + names.back() + " = " + another(line.text) + "\n");
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().ends_with("not supported by this version"));
  }
  for (const Section& inner : section.sections) {
    if (inner.later) names.push_back(inner.path);
    for (std::string& name : refused(inner)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

TEST_CASE("defaults: what is marked for later is refused") {
  CHECK(refused(describe("listen.public", {}, Listener{})) == std::vector<std::string>{"tls", "redirect"});
  CHECK(refused(describe("app.web", {}, App{})) ==
        std::vector<std::string>{"exclusive", "strategy", "keep_previous"});
  const std::string text = defaults_text();
  CHECK(text.find("\nexclusive            = false                  # (later) never two copies") !=
        std::string::npos);
}

TEST_CASE("defaults: the printed table with its examples is a valid configuration") {
  auto errors = test::errors_of(with_examples(defaults_text()), root_user());
  CHECK_MESSAGE(errors.empty(), test::joined(errors));
}

TEST_CASE("defaults: spelling out every default changes nothing") {
  std::string text = defaults_text();
  auto insert_below = [&](const std::string& header, const std::string& line) {
    auto at = text.find('\n', text.find("\n[" + header + "]") + 1);
    REQUIRE(at != std::string::npos);
    text.insert(at + 1, line);
  };
  insert_below("listen.public", "address = \"*:80\"\n");
  insert_below("app.web", "command = \"server\"\nlisten = \"public\"\n");
  Config spelled = test::config_of(text, root_user());
  Config plain = test::config_of(
      "[listen.public]\naddress = \"*:80\"\n[app.web]\ncommand = \"server\"\nlisten = \"public\"\n",
      root_user());
  CHECK(effective_text(spelled) == effective_text(plain));
  CHECK_FALSE(spelled.apps.front().health.path_given);
}

TEST_CASE("defaults: the smallest useful file gives an app with everything filled in") {
  Config config = test::config_of(
      "[app.web]\ncommand = \"gunicorn --bind 127.0.0.1:{port} web:app\"\nlisten = \"0.0.0.0:8080\"\nhealth "
      "= "
      "\"/health\"\n",
      root_user());
  const App& app = config.apps.front();
  CHECK(app.command == std::vector<std::string>{"gunicorn", "--bind", "127.0.0.1:{port}", "web:app"});
  CHECK(app.directory.empty());
  CHECK(app.user.empty());
  CHECK(app.instances == 1);
  CHECK(app.endpoint == EndpointKind::port);
  CHECK(app.autostart);
  CHECK(app.listen == std::vector<std::string>{"0.0.0.0:8080"});
  REQUIRE(app.routes.size() == 1);
  CHECK(app.routes.front() == Route{"", "/", {}});
  CHECK(app.health.path == "/health");
  CHECK(app.health.path_given);
  CHECK(app.health.expect == std::vector<StatusRange>{{200, 299}});
  CHECK(app.drain_timeout() == Millis(65000));
  REQUIRE(app.stop.ladder.size() == 1);
  CHECK(app.stop.ladder.front().signal == 15);
  CHECK(app.stop.ladder.front().wait == Millis(30000));
  CHECK(config.daemon.runtime_dir == "/run/gracevisor");
  CHECK(config.daemon.state_dir == "/var/lib/gracevisor");
  CHECK(config.daemon.workers == 0);
  CHECK(shutdown_timeout(config.daemon, {&config.apps.front()}) == Millis(65000 + 30000 + 10000));
  REQUIRE(config.find_listener("0.0.0.0:8080") != nullptr);
  CHECK(config.find_listener("0.0.0.0:8080")->addresses.front().text() == "0.0.0.0:8080");
  CHECK(config.find_app("web") == &app);
  CHECK(config.find_app("wep") == nullptr);
}

TEST_CASE("defaults: an ordinary user's folders lie in that user's places") {
  Config config = test::config_of("[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n");
  CHECK(config.daemon.runtime_dir == "/run/user/1000/gracevisor");
  CHECK(config.daemon.state_dir == "/home/ada/.local/state/gracevisor");
}

}  // namespace gracevisor::config
