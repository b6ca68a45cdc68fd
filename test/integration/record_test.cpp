// State records that cannot be written, that name two generations, and that hold nonsense.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

std::string demo(const std::string& switches, const std::string& guard = "10m") {
  return "[app.web]\ncommand = \"@DEMO@ " + switches +
         "\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n[app.web.deploy]\nguard = \"" + guard + "\"\n";
}

bool serves(const Site& site, const std::string& version) {
  auto answer = fetch(site.listener());
  return answer && answer->status == 200 && answer->body.find("version " + version + " ") == 0;
}

// While it lives no record can be written, as on a full disk; those that are there stay.
class NoRecords {
 public:
  explicit NoRecords(const Site& site)
      : folder_(site.directory() / "state" / "apps"), aside_(site.directory() / "state" / "aside") {
    std::filesystem::rename(folder_, aside_);
    std::ofstream in_its_place(folder_);
    in_its_place << "x";
  }
  NoRecords(const NoRecords&) = delete;
  NoRecords& operator=(const NoRecords&) = delete;
  ~NoRecords() {
    std::error_code ignored;
    std::filesystem::remove(folder_, ignored);
    std::filesystem::rename(aside_, folder_, ignored);
  }

 private:
  std::filesystem::path folder_;
  std::filesystem::path aside_;
};

bool tells_of_record(const DaemonProcess& daemon) {
  auto app = daemon.app("web");
  if (!app) return false;
  for (const std::string& problem : test::texts(app->problems)) {
    if (problem.starts_with("state record not written for ")) return true;
  }
  return false;
}

// A deploy of v2 beside v1, within its guard.
std::unique_ptr<Command> deploy_into_guard(Site& site, DaemonProcess& daemon) {
  site.configure(demo("--version-text v2"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE_MESSAGE(wait_until([&] { return deploy->out().find("cutover ") != std::string::npos; }),
                  deploy->out() << daemon.log());
  REQUIRE(serves(site, "v2"));
  return deploy;
}

}  // namespace

TEST_CASE("record: a daemon killed within the guard comes back to the old generation") {
  Site site;
  site.configure(demo("--version-text v1"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    auto deploy = deploy_into_guard(site, daemon);
    daemon.crash();  // it ends the gvctl beside it as well
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(serves(site, "v1"));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 1);
  CommandResult status = daemon.ctl({"status"});
  INFO(describe(status));
  CHECK(status.out.find("web@2 was within its guard when the daemon ended: web@1 is back") !=
        std::string::npos);
  // Its number is not used again.
  site.configure(demo("--version-text v3", "0s"));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(daemon.app("web")->generation == 3);
}

TEST_CASE("record: a cut-back that cannot be written is not undone by a restart of the daemon") {
  Site site;
  site.configure(demo("--version-text v1"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    auto deploy = deploy_into_guard(site, daemon);
    NoRecords full(site);
    REQUIRE(::kill(daemon.pids("web").at(0), SIGKILL) == 0);
    CHECK(deploy->wait().exit_code == 13);
    CHECK(serves(site, "v1"));
    CHECK_MESSAGE(wait_until([&] { return tells_of_record(daemon); }), daemon.log());
    daemon.crash();
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(serves(site, "v1"));
}

TEST_CASE("record: what could not be written is written as soon as there is room") {
  Site site;
  site.configure(demo("--version-text v1"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    {
      NoRecords full(site);
      CommandResult stop = daemon.ctl({"stop", "web"});
      INFO(describe(stop));
      CHECK(stop.exit_code == 0);
      CHECK(stop.out.find("could not be written") != std::string::npos);
      CHECK(tells_of_record(daemon));
      CommandResult deploy = daemon.ctl({"deploy", "web"});
      INFO(describe(deploy));
      CHECK(deploy.exit_code == 1);
    }
    CHECK(wait_until([&] { return !tells_of_record(daemon); }, std::chrono::seconds(40)));
    daemon.crash();
  }
  DaemonProcess daemon(site);
  CHECK(daemon.wait_state("web", "stopped"));
  CHECK(daemon.children() == 0);
}

TEST_CASE("record: a generation number at the end of its range is set aside and the daemon starts") {
  Site site;
  site.configure(demo("--version-text v1", "0s"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  std::filesystem::path record = site.directory() / "state" / "apps" / "web.json";
  std::string text = content_of(record);
  for (const char* key : {"\"last_generation\": 1", "\"live\": 1"}) {
    auto at = text.find(key);
    REQUIRE(at != std::string::npos);
    std::string name(key);
    text.replace(at, name.size(), name.substr(0, name.size() - 1) + "18446744073709551615");
  }
  std::ofstream(record) << text;
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.running(), daemon.log());
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(std::filesystem::exists(record.string() + ".bad"));
  CHECK(daemon.log().find("last_generation is too large") != std::string::npos);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
  CHECK(daemon.ctl({"logs", "web"}).exit_code == 0);
}
