// What gvctl prints as JSON, from a daemon in all kinds of conditions, held against the schemas that gvctl
// prints.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "support/command.h"
#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

bool can_validate() {
  return run_command({GV_PYTHON, "-c", "import jsonschema"}).exit_code == 0;
}

// What does not fit, or nothing.
std::string misfits(const DaemonProcess& daemon, const std::string& name, const std::string& documents) {
  TempFolder folder;
  const auto schema = folder.write("schema.json", daemon.ctl({"schema", name}).out);
  const auto lines = folder.write("documents", documents);
  const CommandResult result =
      run_command({GV_PYTHON, GV_TEST_SUPPORT "/check_schema.py", schema.string(), lines.string()});
  return result.exit_code == 0 ? "" : describe(result) + "\n" + documents;
}

const std::string kOthers =
    "[app.crash]\ncommand = [\"sh\", \"-c\", \"echo no; exit 1\"]\nendpoint = \"none\"\n"
    "restart.backoff = \"1h\"\nrestart.backoff_max = \"1h\"\n"
    "[app.beat]\ncommand = \"sleep 600\"\nendpoint = \"none\"\n";

}  // namespace

TEST_CASE("schema: what gvctl prints as JSON fits what gvctl schema says") {
  if (!can_validate()) return skip("python3-jsonschema is not installed");
  Site site;
  site.configure(named_app("web", "@LISTEN@") + kOthers);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto json = [&](std::vector<std::string> words) {
    words.insert(words.begin(), "--json");
    return daemon.ctl(words).out;
  };
  CHECK(misfits(daemon, "report", json({"deploy", "web"})) == "");
  CHECK(misfits(daemon, "report", json({"scale", "web", "+1"})) == "");
  const std::string stopped = json({"stop", "beat"});
  CHECK(misfits(daemon, "report", stopped) == "");
  CHECK(has(stopped, R"("stopped":[{"instance":"1.1","last_exit":"signal 15 )"));
  CHECK(has(stopped, R"(","code":null,"signal":15}])"));
  const std::string started = json({"start", "beat"});
  CHECK(misfits(daemon, "report", started) == "");
  const auto beat = daemon.app("beat");
  REQUIRE(beat.has_value());
  CHECK(has(started, fmt::format(R"("started":[{{"instance":"1.1","pid":{},"endpoint":""}}])",
                                 beat->instances.at(0).pid)));
  CHECK(misfits(daemon, "report", json({"stop", "web"})) == "");
  const std::string again = json({"start", "web"});
  CHECK(misfits(daemon, "report", again) == "");
  const auto web = daemon.app("web");
  REQUIRE(web.has_value());
  for (const control::InstanceStatus& one : web->instances) {
    CHECK(has(again, fmt::format(R"({{"instance":"{}","pid":{},"endpoint":"{}"}})", one.name, one.pid,
                                 one.endpoint)));
  }
  // Differs in more than is put into words.
  std::string variables;
  for (int i = 10; i < 22; ++i) variables += fmt::format("environment.V{} = \"\"\n", i);
  site.configure(named_app("web", "@LISTEN@", variables) + kOthers);
  const std::string reload = json({"reload", "--dry-run"});
  CHECK(misfits(daemon, "report", reload) == "");
  CHECK(has(reload, "environment.V18, environment.V19 and 2 more"));
  CHECK(has(reload, R"("environment.V19","environment.V20","environment.V21"])"));
  CHECK(misfits(daemon, "status", json({"status", "web"})) == "");
  REQUIRE(wait_until([&] { return daemon.app("crash")->state == "backoff"; }));
  CHECK(misfits(daemon, "status", json({"status"})) == "");
  CHECK(misfits(daemon, "status", json({"status", "crash"})) == "");
  // Usage is known after the first look.
  REQUIRE(wait_until([&] { return daemon.app("web")->cpu_percent.has_value(); }));
  CHECK(misfits(daemon, "status", json({"status", "web", "beat"})) == "");
  CHECK(daemon.app("web")->memory_bytes.value_or(0) > 0);
  CHECK(misfits(daemon, "history", json({"history", "web"})) == "");
  CHECK(misfits(daemon, "environment", json({"env", "web"})) == "");
  CHECK(misfits(daemon, "settings", json({"show", "--all", "web"})) == "");
  CHECK(misfits(daemon, "settings", json({"show", "beat"})) == "");
  CHECK(misfits(daemon, "check", json({"check"})) == "");
  CHECK(misfits(daemon, "logs", json({"logs", "crash"})) == "");
  CHECK(misfits(daemon, "version", json({"version"})) == "");
  CHECK(misfits(daemon, "error", json({"deploy", "nothing"})) == "");
  // It can fail.
  CHECK(misfits(daemon, "version", json({"status"})) != "");
}

TEST_CASE("status: its exit code says whether all that should run does") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") +
                 "[app.crash]\ncommand = [\"sh\", \"-c\", \"exit 1\"]\nendpoint = \"none\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.ctl({"status", "--exit-code", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"status", "--exit-code"}).exit_code == 14);
  CHECK(daemon.ctl({"status"}).exit_code == 0);
  CHECK(daemon.ctl({"stop", "crash"}).exit_code == 0);
  CHECK(daemon.ctl({"status", "--exit-code"}).exit_code == 0);
  CHECK(daemon.ctl({"status", "--exit-code", "nothing"}).exit_code == 4);
}
