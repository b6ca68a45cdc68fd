// What gracevisord says about its configuration before it does anything.
#include <doctest/doctest.h>

#include "support/command.h"
#include "support/site.h"

using namespace gracevisor::test;

namespace {

CommandResult check(const Site& site) {
  return run_command({GV_DAEMON, "-c", site.config(), "--check"});
}

}  // namespace

TEST_CASE("config: --check accepts the smallest useful file and prints the effective configuration") {
  Site site;
  site.configure_whole(R"([app.web]
command = "gunicorn --bind 127.0.0.1:{port} web:app"
listen  = "0.0.0.0:8080"
health  = "/health"
)");
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("gunicorn") != std::string::npos);
  CHECK(result.out.find("[app.web") != std::string::npos);
}

TEST_CASE("config: every error is reported at once with its place and the nearest key") {
  Site site;
  site.configure_whole(R"([daemon]
workers = "many"
[app.web]
command = "/bin/true"
listen = "127.0.0.1:8080"
helth = "/health"
instances = 0
[app.api]
command = "/bin/true"
listen = "127.0.0.1:8081"
instances = true
)");
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  std::string file = site.config().string();
  CHECK(result.err.find(file + ":2:") != std::string::npos);
  CHECK(result.err.find(file + ":6:") != std::string::npos);
  CHECK(result.err.find("app.web.helth") != std::string::npos);
  CHECK(result.err.find("did you mean \"health\"") != std::string::npos);
  CHECK(result.err.find(file + ":7:") != std::string::npos);
  CHECK(result.err.find(file + ":11:") != std::string::npos);
}

TEST_CASE("config: a file that is no TOML is an error with its line") {
  Site site;
  site.configure_whole("[daemon]\nworkers = = 3\n");
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK(result.err.find(site.config().string() + ":2:") != std::string::npos);
}

TEST_CASE("config: the daemon does not start on a broken file") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nroutes_ = 1\n");
  CommandResult result = run_command({GV_DAEMON, "-c", site.config()});
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(site.socket()));
}

TEST_CASE("config: a file that does not exist is named and exits with 2") {
  Site site;
  CommandResult result = run_command({GV_DAEMON, "-c", site.config()});
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK(result.err.find(site.config().string()) != std::string::npos);
}

TEST_CASE("config: included files are read and their errors carry their names") {
  Site site;
  (void)site.files().write("conf.d/web.toml",
                           site.expand("[app.web]\ncommand = \"@DEMO@\"\ninstanses = 2\n"));
  site.configure_whole("include = [\"conf.d/*.toml\"]\n" + site.daemon_table());
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("conf.d/web.toml:3:") != std::string::npos);
  CHECK(result.err.find("did you mean \"instances\"") != std::string::npos);
}

TEST_CASE("config: an unknown option of the command line exits with 2") {
  CHECK(run_command({GV_DAEMON, "--no-such-option"}).exit_code == 2);
  CHECK(run_command({GV_CTL, "--no-such-option"}).exit_code == 2);
  CHECK(run_command({GV_CTL, "no-such-command"}).exit_code == 2);
}

TEST_CASE("config: --version and --help succeed without a configuration") {
  CommandResult version = run_command({GV_DAEMON, "--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.out.find(GV_VERSION) != std::string::npos);
  CHECK(run_command({GV_DAEMON, "--help"}).exit_code == 0);
  CHECK(run_command({GV_CTL, "--help"}).exit_code == 0);
}
