// daemon.autodiscover: apps come, change and go with the files of a folder, and nothing else is touched.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

// What the folder's clocks take, on a busy machine.
constexpr std::chrono::seconds kPatience(40);

std::string worker(const std::string& name, const std::string& more = "") {
  return "[app." + name + "]\ncommand = \"sleep 600\"\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n" +
         "deploy.guard = \"10ms\"\n" + more;
}

// A site with an empty folder of apps, and one app in its own file.
class FolderSite : public Site {
 public:
  FolderSite() {
    std::filesystem::create_directory(folder());
    std::filesystem::permissions(folder(), std::filesystem::perms(0755));
    configure_main();
  }
  void configure_main(const std::string& more = "") const {
    configure_whole(daemon_table() + "autodiscover = \"@DIR@/apps.d\"\n" + worker("base") + more);
  }
  [[nodiscard]] std::filesystem::path folder() const { return directory() / "apps.d"; }
  void write(const std::string& name, const std::string& text) const {
    (void)files().write("apps.d/" + name, expand(text), 0644);
  }
  void remove(const std::string& name) const { CHECK(std::filesystem::remove(folder() / name)); }
};

bool is_told(const DaemonProcess& daemon, const std::string& part) {
  const auto status = daemon.status();
  if (!status) return false;
  return std::ranges::any_of(status->problems, [&](const control::Problem& one) {
    return one.kind == "autodiscover" && has(one.text, part);
  });
}

bool wait_told(const DaemonProcess& daemon, const std::string& part) {
  return wait_until([&] { return is_told(daemon, part); }, kPatience);
}

bool wait_untold(const DaemonProcess& daemon) {
  return wait_until([&] { return !is_told(daemon, ""); }, kPatience);
}

// Serves, or runs, in this generation.
bool wait_generation(const DaemonProcess& daemon, const std::string& name, std::uint64_t generation) {
  return wait_until(
      [&] {
        const auto app = daemon.app(name);
        return app && app->generation == generation && app->state == "live";
      },
      kPatience);
}

// Once what the folder's changes began is done.
CommandResult reload(const DaemonProcess& daemon, const std::vector<std::string>& words = {"reload"}) {
  constexpr int kBusy = 5;
  CommandResult result;
  CHECK(wait_until(
      [&] {
        result = daemon.ctl(words);
        return result.exit_code != kBusy;
      },
      kPatience));
  return result;
}

}  // namespace

TEST_CASE(
    "autodiscover: a file's app starts, is deployed, is stopped once the file is gone, and comes back") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "one", 1));
  site.write("two.toml", worker("two"));
  site.write("web.toml", named_app("web", "@LISTEN@"));
  REQUIRE(wait_generation(daemon, "two", 1));
  REQUIRE(wait_generation(daemon, "web", 1));
  CHECK(served_by(site.listener()) == "web");

  site.write("two.toml", worker("two", "environment.V = \"2\"\n"));
  REQUIRE(wait_generation(daemon, "two", 2));

  // A bad file, while the others are half edited.
  site.configure_main(worker("other") + "[app.base2");
  site.write("two.toml", worker("two", "environment.V = \"3\"\nhelth = \"/x\"\n"));
  REQUIRE(wait_told(daemon, "two.toml is not applied, and what runs stays as it is: " +
                                (site.folder() / "two.toml").string() + ":7:1: app.two.helth: unknown key"));
  CHECK(wait_until([&] { return has(daemon.log(), "autodiscover file=two.toml cause="); }));
  CHECK(daemon.app("two")->generation == 2);
  site.write("two.toml", worker("two", "environment.V = \"3\"\n"));
  REQUIRE(wait_generation(daemon, "two", 3));
  CHECK(wait_untold(daemon));
  CHECK_FALSE(daemon.app("other").has_value());

  site.remove("web.toml");
  REQUIRE(wait_until([&] { return !daemon.app("web").has_value(); }, kPatience));
  INFO(daemon.log());
  CHECK(served_by(site.listener()).empty());
  CHECK(daemon.app("one")->generation == 1);
  CHECK(daemon.app("base")->generation == 1);
  site.write("web.toml", named_app("web", "@LISTEN@"));
  REQUIRE(wait_generation(daemon, "web", 2));
  CHECK(served_by(site.listener()) == "web");
  const std::string history = daemon.ctl({"history", "web"}).out;
  INFO(history);
  CHECK(has(history, "autodiscover"));
  CHECK(has(history, "@1"));
  CHECK(has(history, "@2"));
  // It was stopped in its time, and drained.
  CHECK(wait_until([&] { return has(daemon.log(), "removed app=web"); }));
  CHECK_FALSE(has(daemon.log(), "SIGKILL"));
}

TEST_CASE("autodiscover: a folder that was emptied removes nothing until reload --remove") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  site.write("two.toml", worker("two"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "two", 1));
  site.remove("one.toml");
  site.remove("two.toml");
  REQUIRE(wait_told(daemon, "apps.d is empty, but had one.toml, two.toml; nothing is removed"));
  CHECK(daemon.app("one")->state == "live");
  CHECK(reload(daemon).exit_code == 0);
  CHECK(is_told(daemon, "apps.d is empty"));
  // What comes back is not an accident any more.
  site.write("one.toml", worker("one"));
  REQUIRE(wait_told(daemon, "apps.d lost two.toml at once"));
  CHECK(daemon.app("two")->state == "live");
  const CommandResult removed = reload(daemon, {"reload", "--remove"});
  INFO(describe(removed) << daemon.log());
  CHECK(removed.exit_code == 0);
  CHECK_FALSE(is_told(daemon, ""));
  CHECK_FALSE(daemon.app("two").has_value());
  CHECK(daemon.app("one")->generation == 1);
  CHECK(daemon.app("base")->generation == 1);
}

TEST_CASE(
    "autodiscover: an app that lost its file while no daemon ran is told with it, until it is removed") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  site.write("two.toml", worker("two"));
  {
    DaemonProcess daemon(site);
    REQUIRE(wait_generation(daemon, "one", 1));
    REQUIRE(wait_generation(daemon, "two", 1));
    CHECK(daemon.terminate().exit_code == 0);
  }
  site.remove("one.toml");
  site.write("two.toml", "");
  const std::string told =
      "one (apps.d/one.toml), two (apps.d/two.toml) ran before the daemon's start, and no file has it any "
      "more: "
      "put it back and reload, or gvctl reload --remove";
  {
    DaemonProcess daemon(site);
    REQUIRE(wait_generation(daemon, "base", 1));
    const auto problems = texts(daemon.status()->problems);
    CHECK(std::ranges::count(problems, told) == 1);
    CHECK(wait_until([&] { return has(daemon.log(), "state app=one live=1 file=apps.d/one.toml cause="); }));
    CHECK(reload(daemon, {"reload", "--remove"}).exit_code == 0);
    CHECK_FALSE(has(daemon.ctl({"status"}).out, "before the daemon's start"));
    CHECK(daemon.terminate().exit_code == 0);
  }
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "base", 1));
  CHECK_FALSE(has(daemon.ctl({"status"}).out, "before the daemon's start"));
  site.write("one.toml", worker("one"));
  CHECK(wait_generation(daemon, "one", 2));
}

TEST_CASE("autodiscover: an app whose file is gone is told with that file") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  site.write("two.toml", worker("two"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "two", 1));
  site.remove("one.toml");
  site.remove("two.toml");
  REQUIRE(wait_told(daemon, "apps.d is empty"));
  CHECK(drift_of(daemon) == std::vector<std::string>{"apps.d/one.toml is no longer there: one, two are gone: "
                                                     "gvctl reload --dry-run"});
}

TEST_CASE("autodiscover: a file that was emptied keeps its apps, and is told until it has them again") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  site.write("two.toml", worker("two"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "two", 1));
  // As a full disk leaves it.
  site.write("two.toml", "");
  const std::string told =
      "two.toml is not applied, and what runs stays as it is: " + (site.folder() / "two.toml").string() +
      ":1:1: no longer has an [app.NAME] table";
  REQUIRE(wait_told(daemon, told));
  // The other files are taken, and a reload without --remove changes nothing of it.
  site.write("one.toml", worker("one", "environment.V = \"2\"\n"));
  REQUIRE(wait_generation(daemon, "one", 2));
  CHECK(is_told(daemon, told));
  CHECK(reload(daemon).exit_code == 0);
  REQUIRE(wait_told(daemon, told));
  CHECK(daemon.app("two")->state == "live");
  site.write("two.toml", worker("two"));
  CHECK(wait_untold(daemon));
  CHECK(daemon.app("two")->generation == 1);
  // Whoever means it says so.
  site.write("two.toml", "");
  REQUIRE(wait_told(daemon, told));
  CHECK(reload(daemon, {"reload", "--remove"}).exit_code == 0);
  CHECK_FALSE(is_told(daemon, ""));
  CHECK_FALSE(daemon.app("two").has_value());
  CHECK(daemon.app("one")->generation == 2);
}

TEST_CASE("autodiscover: an app that its file lost is removed after ten seconds, in which it can come back") {
  FolderSite site;
  const std::string both = worker("two") + worker("three");
  site.write("one.toml", worker("one"));
  site.write("two.toml", both);
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "three", 1));
  // A writer that pauses between two tables. The next change shows that it was looked at meanwhile.
  site.write("two.toml", worker("two"));
  site.write("one.toml", worker("one", "environment.V = \"2\"\n"));
  REQUIRE(wait_generation(daemon, "one", 2));
  site.write("two.toml", both + worker("four"));
  REQUIRE(wait_generation(daemon, "four", 1));
  CHECK(daemon.app("three")->generation == 1);
  CHECK_FALSE(has(daemon.log(), "removed app="));

  const auto began = std::chrono::steady_clock::now();
  site.write("two.toml", both);
  REQUIRE(wait_until([&] { return !daemon.app("four").has_value(); }, kPatience));
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(10));
  CHECK(daemon.app("two")->generation == 1);
  CHECK(daemon.app("three")->generation == 1);
  CHECK_FALSE(is_told(daemon, ""));
}

TEST_CASE("autodiscover: another folder at the same path is watched, and none removes nothing") {
  FolderSite site;
  site.write("one.toml", worker("one"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "one", 1));
  std::filesystem::rename(site.folder(), site.directory() / "old");
  REQUIRE(wait_told(daemon, "apps.d cannot be read, and nothing is removed: cannot open "));
  CHECK(daemon.app("one")->state == "live");
  std::filesystem::create_directory(site.folder());
  std::filesystem::permissions(site.folder(), std::filesystem::perms(0755));
  site.write("one.toml", worker("one"));
  site.write("two.toml", worker("two"));
  REQUIRE(wait_generation(daemon, "two", 1));
  CHECK(wait_untold(daemon));
  CHECK(daemon.app("one")->generation == 1);
  // At once, as it is watched.
  site.write("two.toml", worker("two", "environment.V = \"2\"\n"));
  REQUIRE(wait_generation(daemon, "two", 2));
}

TEST_CASE(
    "autodiscover: dot files, links and other tables are not taken, and other files wait for a reload") {
  FolderSite site;
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "base", 1));
  site.configure_main(worker("other"));
  site.write(".dot.toml", worker("dot"));
  site.write("real", worker("linked"));
  std::filesystem::create_symlink(site.folder() / "real", site.folder() / "link.toml");
  site.write("daemon.toml", "[daemon]\nworkers = 1\n" + worker("beside"));
  site.write("base.toml", worker("base"));
  site.write("good.toml", worker("good"));
  REQUIRE(wait_generation(daemon, "good", 1));
  CHECK(is_told(daemon, "link.toml:1:1: is a symbolic link, and not read"));
  CHECK(
      is_told(daemon, "daemon: a file in the folder of daemon.autodiscover may only have [app.NAME] tables"));
  CHECK(is_told(daemon, "app.base: is already defined at "));
  for (const char* name : {"dot", "linked", "beside", "other"}) {
    INFO(name);
    CHECK_FALSE(daemon.app(name).has_value());
  }
  CHECK(daemon.app("base")->generation == 1);
  // A reload takes all files, and so all errors.
  const CommandResult refused = reload(daemon);
  INFO(describe(refused));
  CHECK(refused.exit_code == 2);
  CHECK(daemon.ctl({"check"}).exit_code == 2);
  site.remove("daemon.toml");
  site.remove("base.toml");
  CHECK(reload(daemon).exit_code == 0);
  REQUIRE(wait_generation(daemon, "other", 1));
}

TEST_CASE(
    "autodiscover: a file that cannot be put into force does not keep others from it, nor does a deploy") {
  FolderSite site;
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "base", 1));
  site.write("bad.toml", "[app.bad]\ncommand = \"/nowhere/x\"\nendpoint = \"none\"\n");
  site.write("web.toml", guarded_app("web", "@LISTEN@"));
  REQUIRE(wait_generation(daemon, "web", 1));
  CHECK(is_told(daemon, "bad.toml is not applied"));
  CHECK(is_told(daemon, "app.bad.command: /nowhere/x: No such file or directory"));
  CHECK_FALSE(daemon.app("bad").has_value());
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return has(deploy->out(), "cutover "); }));
  // Its deploy is within its guard.
  site.write("web.toml", guarded_app("web", "@LISTEN@", "environment.V = \"2\"\n"));
  site.write("good.toml", worker("good"));
  REQUIRE(wait_generation(daemon, "good", 1));
  CHECK(daemon.app("web")->generation == 2);
  CHECK(daemon.ctl({"abort", "web"}).exit_code == 0);
  REQUIRE(wait_until([&] { return daemon.app("web")->generation == 3; }, kPatience));
}

TEST_CASE("autodiscover: the folder can be given, and taken away, by a reload") {
  FolderSite site;
  site.configure_whole(site.daemon_table() + worker("base"));
  site.write("one.toml", worker("one"));
  DaemonProcess daemon(site);
  REQUIRE(wait_generation(daemon, "base", 1));
  CHECK_FALSE(daemon.app("one").has_value());
  site.configure_main();
  CHECK(reload(daemon).exit_code == 0);
  REQUIRE(wait_generation(daemon, "one", 1));
  site.write("two.toml", worker("two"));
  REQUIRE(wait_generation(daemon, "two", 1));
  site.configure_whole(site.daemon_table() + worker("base"));
  CHECK(reload(daemon, {"reload", "--remove"}).exit_code == 0);
  CHECK_FALSE(daemon.app("one").has_value());
  CHECK_FALSE(daemon.app("two").has_value());
}
