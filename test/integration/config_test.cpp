// What gracevisord says about its configuration before it does anything.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "support/command.h"
#include "support/site.h"
#include "support/skip.h"

using namespace gracevisor::test;

namespace {

CommandResult check(const Site& site, const std::vector<std::string>& options = {}) {
  std::vector<std::string> command = {GV_DAEMON, "-c", site.config(), "--check"};
  command.insert(command.end(), options.begin(), options.end());
  return run_command(command);
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// Eight apps, of which two are workers, on a shared listener, an own address and a Unix socket.
std::string eight_apps() {
  std::string text = "[listen.public]\naddress = \"@LISTEN@\"\ndefault = \"site\"\n";
  for (const char* name : {"api", "shop", "admin"}) {
    text += std::string("[app.") + name +
            "]\ncommand = \"@DEMO@\"\nlisten = \"public\"\nroute = \"example.com/" + name + "\"\n";
  }
  return text +
         "[app.site]\ncommand = \"@DEMO@\"\n"
         "[app.broker]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN1@\"\nproxy = \"tcp\"\n"
         "[app.socket]\ncommand = \"@DEMO@\"\nlisten = \"unix:@DIR@/run/x.sock\"\nendpoint = \"socket\"\n"
         "[app.beat]\ncommand = [\"sh\", \"-c\", \"sleep 1000\"]\nendpoint = \"none\"\n"
         "[app.mail]\ncommand = \"sleep 1000\"\nendpoint = \"none\"\n";
}

// Warnings, but for the one that tests run as root.
std::string other_warnings(const CommandResult& result) {
  std::string lines;
  std::istringstream all(result.err);
  for (std::string line; std::getline(all, line);) {
    if (!line.ends_with("): set user")) lines += line + "\n";
  }
  return lines;
}

}  // namespace

TEST_CASE("config: --check says in few lines what leads where") {
  Site site;
  site.configure(eight_apps());
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out.starts_with(site.config().string() + ": 8 apps, 3 listeners: ok"));
  CHECK(lines_in(result.out) == 8);  // the summary, four on public, two of their own, the workers
  CHECK(lines_in(result.err) <= 1);
  CHECK(other_warnings(result).empty());
  const std::string first = site.listener().text();
  CHECK(result.out.find("\npublic  " + first + " ") != std::string::npos);
  CHECK(result.out.find("  example.com/shop   shop\n") != std::string::npos);
  CHECK(result.out.find("  (any other)        site\n") != std::string::npos);
  CHECK(result.out.find("  (tcp)              broker\n") != std::string::npos);
  CHECK(result.out.ends_with("\nworkers without a listener: beat, mail\n"));
}

TEST_CASE("config: the smallest useful file is checked, and a program that is not there is a warning") {
  Site site;
  site.configure_whole(R"([app.web]
command = "no-such-server --bind 127.0.0.1:{port} web:app"
listen  = "0.0.0.0:8080"
health  = "/health"
)");
  CommandResult result = check(site);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("\n-  0.0.0.0:8080  *  web\n") != std::string::npos);
  CHECK(
      other_warnings(result).starts_with("warning: " + site.config().string() +
                                         ":2:11: app.web.command: cannot find \"no-such-server\" in PATH ("));
  CommandResult strict = check(site, {"--strict"});
  INFO(describe(strict));
  CHECK(strict.exit_code == 2);
  CHECK(strict.err.ends_with("gracevisord: with --strict, warnings are errors\n"));
}

TEST_CASE("config: --check --print gives what differs from the defaults, and --print=all everything") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\ninstances = 1\n");
  CommandResult changed = check(site, {"--print"});
  INFO(describe(changed));
  CHECK(changed.exit_code == 0);
  CHECK(changed.out.starts_with("# from " + site.config().string() + "\n"));
  CHECK(changed.out.find("\ncommand = [\"" GV_DEMO "\"]  # " + site.config().string() + ":") !=
        std::string::npos);
  CHECK(changed.out.find("instances") == std::string::npos);
  CommandResult all = check(site, {"--print=all"});
  INFO(describe(all));
  CHECK(all.exit_code == 0);
  CHECK(all.out.find("\ninstances = 1\n") != std::string::npos);
  CHECK(all.out.find("\n[app.web.proxy_options]\n") != std::string::npos);

  // Either is a configuration that means the same.
  for (const CommandResult* printed : {&changed, &all}) {
    site.configure_whole(printed->out);
    CommandResult again = check(site, {"--print=all"});
    INFO(describe(again));
    CHECK(again.exit_code == 0);
    CHECK(again.out == all.out);
  }
}

TEST_CASE("config: options of a check need a check, and what to print is a known word") {
  CHECK(run_command({GV_DAEMON, "--print"}).exit_code == 2);
  CHECK(run_command({GV_DAEMON, "--strict"}).exit_code == 2);
  CHECK(run_command({GV_DAEMON, "--check", "--print=some"}).exit_code == 2);
}

TEST_CASE("config: a command line that means nothing is refused in plain words") {
  const std::string help = "\nRun gracevisord --help for more information.\n";
  const auto refusal = [&](std::vector<std::string> words) {
    words.insert(words.begin(), GV_DAEMON);
    const CommandResult result = run_command(words);
    INFO(describe(result));
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    REQUIRE(result.err.ends_with(help));
    return result.err.substr(0, result.err.size() - help.size());
  };
  CHECK(refusal({"--chek"}) == "gracevisord: there is no option --chek (did you mean \"--check\"?)");
  CHECK(refusal({"-x"}) == "gracevisord: there is no option -x");
  CHECK(refusal({"gv.toml"}) ==
        "gracevisord: \"gv.toml\" is no option, and gracevisord takes no other words");
  CHECK(refusal({"--config"}) == "gracevisord: --config needs a value");
  CHECK(refusal({"-c", "a", "-c", "b"}) == "gracevisord: --config is given more than once");
  CHECK(refusal({"--check", "--strict=x"}) == "gracevisord: --strict takes no value");
  CHECK(refusal({"--strict"}) == "gracevisord: --strict goes with --check");
  CHECK(refusal({"--print"}) == "gracevisord: --print goes with --check");
  CHECK(refusal({"--check", "--print=some"}) == "gracevisord: --print=some: changed or all");
  CHECK(refusal({"--from", "pm2"}) == "gracevisord: --from goes with --import");
  CHECK(refusal({"--run"}) == "gracevisord: --run goes with --import");
  CHECK(run_command({GV_DAEMON, "--help"}).exit_code == 0);
  CHECK(run_command({GV_DAEMON, "--version"}).out.starts_with("gracevisord "));
}

TEST_CASE("config: a check by another user calls nothing missing that it may only not see") {
  if (::geteuid() != 0) {
    skip("becoming another user needs root");
    return;
  }
  Site site;
  (void)site.files().write("closed/server", "#!/bin/sh\n", 0755);
  (void)site.files().write("closed/web/x", "", 0644);
  (void)site.files().write("secret.env", "A=1\n", 0600);
  namespace fs = std::filesystem;
  fs::permissions(site.files() / "closed", fs::perms::owner_all);
  fs::permissions(site.directory(), fs::perms::owner_all | fs::perms::others_exec | fs::perms::others_read);
  site.configure_whole(
      "[daemon]\nruntime_dir = \"/tmp/gv-none\"\nstate_dir = \"/tmp/gv-none\"\n"
      "[app.web]\ncommand = \"@DIR@/closed/server\"\nlisten = \"@LISTEN@\"\nenvironment_file = "
      "\"secret.env\"\n"
      "[app.two]\ncommand = \"./server\"\ndirectory = \"closed/web\"\nlisten = \"@LISTEN1@\"\n");
  // The folder of the build may be closed to others.
  fs::copy_file(GV_DAEMON, site.files() / "daemon");
  CommandResult result = run_command({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                      (site.files() / "daemon").string(), "-c", site.config(), "--check"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.err.find("No such file") == std::string::npos);
  for (const char* name : {"closed/server", "closed/web", "secret.env"}) {
    CHECK(result.err.find((site.files() / name).string() + " cannot be looked at as uid 65534") !=
          std::string::npos);
  }
  CommandResult root = check(site);
  INFO(describe(root));
  CHECK(root.err.find("cannot be looked at") == std::string::npos);
  CHECK(root.err.find((site.files() / "closed/web").string() + "/server: No such file") != std::string::npos);
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
