// What can be looked up about apps: their history, what is under way, the environment; and who may ask for
// what.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "base/user_text.h"
#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

TEST_CASE("history: it outlasts the daemon, and a generation has its whole report") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
    site.configure("[app.web]\ncommand = \"/bin/false\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n");
    CHECK(daemon.ctl({"deploy", "web"}).exit_code == 10);
    CHECK(daemon.terminate().exit_code == 0);
  }
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const CommandResult all = daemon.ctl({"history", "web"});
  INFO(describe(all));
  CHECK(all.exit_code == 0);
  const std::string giver = base::user_text(::geteuid());
  CHECK(has(all.out, "@2   deploy   " + giver));
  CHECK(has(all.out, "@3   deploy   " + giver));
  CHECK(has(all.out, "exit 10: "));
  const CommandResult one = daemon.ctl({"history", "web@3"});
  INFO(describe(one));
  CHECK(has(one.out, "cause    3.1 exit 1"));
  CHECK_FALSE(has(one.out, "web@2 (was"));
  CHECK(daemon.ctl({"history", "web@77"}).exit_code == 4);
  CHECK(daemon.ctl({"history", "nothing"}).exit_code == 4);
  // It is the last command's.
  CHECK(daemon.ctl({"wait", "web"}).exit_code != 124);
}

TEST_CASE("history: a link, a damaged file and one that is too large are no reason to fail") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  const auto file = site.directory() / "state" / "history" / "web.json";
  std::string huge = R"({"commands":[)" + std::string(20U << 20, ' ') + "]}";
  const std::string odd =
      R"({"commands":[{"verb":"\u001b[31m","at":9223372036854775807,"generation":1,)"
      R"("lines":[{"phase":"x","text":"y","exit":0,"fields":{"phase":1,"at_ms":"z"}}]}]})";
  const std::string deep(100'000, '[');
  for (const std::string& content : {std::string("{"), huge, odd, deep, std::string()}) {
    std::filesystem::create_directories(file.parent_path());
    std::filesystem::remove(file);
    if (content.empty()) {
      std::filesystem::create_symlink("/etc/passwd", file);
    } else {
      (void)site.files().write("state/history/web.json", content, 0600);
    }
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    const CommandResult history = daemon.ctl({"history", "web"});
    INFO(describe(history) << daemon.log());
    CHECK(history.exit_code == 0);
    CHECK_FALSE(has(history.out, "\x1b"));
    CHECK_FALSE(has(history.out, "root:"));
    CHECK(daemon.ctl({"--json", "history", "web"}).exit_code == 0);
    CHECK(daemon.ctl({"wait", "web"}).exit_code == 0);
    CHECK(daemon.ctl({"scale", "web", "2"}).exit_code == 0);
    CHECK(has(daemon.ctl({"history", "web"}).out, "scale"));
    CHECK(daemon.ctl({"scale", "web", "file"}).exit_code == 0);
    CHECK(daemon.terminate().exit_code == 0);
  }
  CHECK(has(content_of("/etc/passwd"), "root:"));
}

TEST_CASE("attach and wait: a deploy under way is shown from its beginning, and ends as it") {
  Site site;
  site.configure(guarded_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.ctl({"attach", "web"}).exit_code == 1);
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return has(deploy->out(), "cutover "); }));
  const CommandResult late = daemon.ctl({"wait", "--timeout", "50ms", "web"});
  INFO(describe(late));
  CHECK(late.exit_code == 124);
  CHECK(has(late.err, "gvctl attach web"));
  auto attached = daemon.ctl_beside({"attach", "web"});
  auto waits = daemon.ctl_beside({"wait", "web"});
  REQUIRE(wait_until([&] { return awaits_answer(waits->pid()); }));
  REQUIRE(wait_until([&] { return has(attached->out(), "cutover "); }));
  CHECK(daemon.ctl({"abort", "web"}).exit_code == 0);
  const CommandResult given = deploy->wait();
  const CommandResult followed = attached->wait();
  const CommandResult waited = waits->wait();
  INFO(describe(given) << describe(followed) << describe(waited));
  CHECK(given.exit_code == 13);
  CHECK(followed.exit_code == 13);
  CHECK(followed.out == given.out);
  CHECK(waited.exit_code == 13);
  CHECK(given.out.ends_with(waited.out));
  CHECK(daemon.ctl({"attach", "nothing"}).exit_code == 4);
  CHECK(daemon.ctl({"wait", "nothing"}).exit_code == 4);
}

TEST_CASE("env: what the configuration chose is masked until an admin unmasks it") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "environment.SECRET = \"pass\\nword\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const CommandResult masked = daemon.ctl({"env", "web"});
  INFO(describe(masked));
  CHECK(masked.exit_code == 0);
  CHECK(has(masked.out, "web@1.1\n"));
  CHECK(has(masked.out, "SECRET=*** (9 bytes)\n"));
  CHECK_FALSE(has(masked.out, "pass"));
  CHECK_FALSE(has(daemon.ctl({"--json", "env", "web"}).out, "pass"));
  CHECK(has(masked.out, "GV_INSTANCE="));
  const CommandResult unmasked = daemon.ctl({"env", "--unmask", "web"});
  CHECK(has(unmasked.out, "SECRET=pass\\x0aword\n"));
  CHECK(daemon.ctl({"env", "nothing"}).exit_code == 4);
  CHECK(daemon.ctl({"stop", "web"}).exit_code == 0);
  CHECK(has(daemon.ctl({"env", "web"}).out, "SECRET=*** (9 bytes)\n"));
}

TEST_CASE("permissions: a member of the operator group may deploy, but neither end the daemon nor unmask") {
  if (::geteuid() != 0) return skip("only root can become somebody else");
  Site site;
  // The group "users" is 100 on Debian; a copy of gvctl, since the build's folder may be root's alone.
  site.configure_whole(site.daemon_table() + "operator_group = \"users\"\n" +
                       named_app("web", "@LISTEN@", "environment.SECRET = \"password\"\n"));
  std::filesystem::permissions(site.directory(), std::filesystem::perms(0711));
  const auto gvctl = site.directory() / "gvctl";
  std::filesystem::copy_file(GV_CTL, gvctl);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto as = [&](const std::string& groups, const std::vector<std::string>& words) {
    std::vector<std::string> argv = {
        "setpriv", "--reuid", "65534", "--regid", "65534", groups, gvctl, "--socket", site.socket().string()};
    argv.insert(argv.end(), words.begin(), words.end());
    return run_command(argv);
  };
  const auto as_operator = [&](const std::vector<std::string>& words) { return as("--groups=100", words); };
  const CommandResult deploy = as_operator({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(daemon.app("web")->generation == 2);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"status"},
                                                {"env", "web"},
                                                {"history", "web"},
                                                {"scale", "web", "2"},
                                                {"signal", "CONT", "web"},
                                                {"kill", "web@2.2"}}) {
    const CommandResult may = as_operator(words);
    INFO(describe(may));
    CHECK(may.exit_code == 0);
    CHECK_FALSE(has(may.out, "password"));
  }
  const CommandResult shutdown = as_operator({"shutdown"});
  CHECK(shutdown.exit_code == 7);
  CHECK(has(shutdown.err, "user 65534 may not"));
  const CommandResult unmask = as_operator({"env", "--unmask", "web"});
  CHECK(unmask.exit_code == 7);
  CHECK(unmask.out.empty());
  CHECK(as("--clear-groups", {"status"}).exit_code == 7);
  CHECK(daemon.running());
  CHECK(has(daemon.ctl({"history", "web@2"}).out, "deploy by uid 65534"));
}
