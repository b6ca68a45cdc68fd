// A daemon that is root, and users who put links and files of theirs in its way.
#include <doctest/doctest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/skip.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kBob = 12346;

bool not_root() {
  if (::geteuid() == 0 && ::getpwnam("nobody") != nullptr) return false;
  skip("needs root, and the user nobody");
  return true;
}

// An app of the user nobody, whose folder is @DIR@/srv. The test's folder is open for passing through.
struct Place {
  Site site;
  fs::path srv = site.directory() / "srv";
  fs::path victim = site.directory() / "victim";

  explicit Place(const std::string& keys) {
    REQUIRE(::chmod(site.directory().c_str(), 0755) == 0);
    fs::create_directory(srv);
    give(srv, nobody());
    (void)site.files().write("victim", "secret\n");
    REQUIRE(::chmod(victim.c_str(), 0600) == 0);
    site.configure("[app.web]\ncommand = \"@DEMO@\"\nuser = \"nobody\"\nlisten = \"@LISTEN@\"\n" + keys);
  }
  static uid_t nobody() { return ::getpwnam("nobody")->pw_uid; }
  static void give(const fs::path& path, uid_t owner) {
    REQUIRE(::lchown(path.c_str(), owner, static_cast<gid_t>(-1)) == 0);
  }
  void link(const fs::path& from, const fs::path& to) const {
    fs::remove(from);
    fs::create_symlink(to, from);
    give(from, nobody());
  }
};

mode_t mode_of(const fs::path& path) {
  struct stat st{};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

uid_t owner_of(const fs::path& path) {
  struct stat st{};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st.st_uid;
}

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

constexpr const char* kGuard = "[app.web.deploy]\nguard = \"0s\"\n";

}  // namespace

TEST_CASE(
    "path safety: a log in the folder of the app's user is theirs and a link there leads root nowhere") {
  if (not_root()) return;
  Place place(std::string("log.stdout = \"@DIR@/srv/web.log\"\nlog.access = \"@DIR@/srv/access.log\"\n") +
              kGuard);
  DaemonProcess daemon(place.site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(fetch(place.site.listener()).has_value());
  CHECK(wait_until([&] { return has(content_of(place.srv / "access.log"), "\"status\":200"); }));
  CHECK(wait_until([&] { return has(content_of(place.srv / "web.log"), "listens on"); }));
  CHECK(owner_of(place.srv / "web.log") == Place::nobody());
  CHECK(mode_of(place.srv / "web.log") == 0640);

  fs::rename(place.srv / "web.log", place.srv / "old.log");
  place.link(place.srv / "web.log", place.victim);
  daemon.signal(SIGUSR1);
  CHECK(
      wait_until([&] { return has(daemon.log(), "log.degraded path=" + (place.srv / "web.log").string()); }));
  CommandResult deployed = daemon.ctl({"deploy", "web"});
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  // The old file stays in use.
  CHECK(wait_until([&] {
    return has(content_of(place.srv / "old.log"), "boots\ngvdemo v1 listens") &&
           content_of(place.srv / "old.log").rfind("boots") > 20;
  }));
  CHECK(content_of(place.victim) == "secret\n");
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE(
    "path safety: a log where a third user could replace it fails the preflight and names whose it is") {
  if (not_root()) return;
  Place place(std::string("log.stdout = \"@DIR@/srv/web.log\"\n") + kGuard);
  DaemonProcess daemon(place.site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Place::give(place.srv, kBob);
  CommandResult refused = daemon.ctl({"deploy", "web"});
  INFO(describe(refused));
  CHECK(refused.exit_code == 9);
  CHECK(has(refused.err, "app.web.log.stdout: cannot use " + (place.srv / "web.log").string() +
                             ": the folder " + place.srv.string() + " belongs to uid 12346"));
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 1);
  Place::give(place.srv, 0);
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);
}

TEST_CASE("path safety: secrets of root are read for an app with a user, but not through a link of theirs") {
  if (not_root()) return;
  Place place(std::string("environment_file = [\"@DIR@/secrets.env\", \"@DIR@/srv/own.env\"]\n") + kGuard);
  fs::path secrets = place.site.files().write("secrets.env", "FROM_ROOT=1\n");
  REQUIRE(::chmod(secrets.c_str(), 0600) == 0);
  fs::path own = place.site.files().write("srv/own.env", "FROM_USER=1\n");
  Place::give(own, Place::nobody());
  DaemonProcess daemon(place.site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto pids = daemon.pids("web");
  REQUIRE(pids.size() == 1);
  std::string of_app = content_of("/proc/" + std::to_string(pids.front()) + "/environ");
  CHECK(has(of_app, "FROM_ROOT=1"));
  CHECK(has(of_app, "FROM_USER=1"));

  place.link(own, place.victim);
  CommandResult refused = daemon.ctl({"deploy", "web"});
  INFO(describe(refused));
  CHECK(refused.exit_code == 9);
  CHECK(has(refused.err, "app.web.environment_file: cannot open " + own.string() +
                             ": Permission denied (with the rights of nobody"));
}

TEST_CASE("path safety: a state folder that others can write keeps the daemon from starting") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  for (const char* name : {"state", "state/apps", "state/log"}) {
    CAPTURE(name);
    fs::create_directories(site.directory() / "state/apps");
    fs::create_directories(site.directory() / "state/log");
    fs::path folder = site.directory() / name;
    REQUIRE(::chmod(folder.c_str(), 0777) == 0);
    CommandResult refused = run_command({GV_DAEMON, "-c", site.config()});
    INFO(describe(refused));
    CHECK(refused.exit_code == 1);
    CHECK(has(refused.err, folder.string() + " can be written by "));
    REQUIRE(::chmod(folder.c_str(), 0750) == 0);
  }
  DaemonProcess daemon(site);
  CHECK(daemon.wait_healthy("web", 1));
}

TEST_CASE("path safety: what the daemon makes has its mode whatever the umask") {
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  mode_t before = ::umask(0);
  DaemonProcess daemon(site);
  (void)::umask(before);
  REQUIRE(daemon.wait_healthy("web", 1));
  fs::path state = site.directory() / "state";
  CHECK(wait_until([&] { return fs::exists(state / "log/web.log") && fs::exists(state / "apps/web.json"); }));
  for (const char* name : {"", "apps", "log"}) CHECK(mode_of(state / name) == 0750);
  CHECK(mode_of(state / "log/web.log") == 0640);
  CHECK(mode_of(state / "apps/web.json") == 0600);
}

TEST_CASE("path safety: a record of a stranger is not run and the app starts from the configuration") {
  if (not_root()) return;
  Site site;
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  fs::path record = site.directory() / "state/apps/web.json";
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(wait_until([&] { return fs::exists(record); }));
    CHECK(daemon.terminate().exit_code == 0);
  }
  std::string text = content_of(record);
  std::size_t at = text.find(GV_DEMO);
  REQUIRE(at != std::string::npos);
  (void)site.files().write("state/apps/web.json", text.replace(at, std::string(GV_DEMO).size(), "/bin/true"));
  Place::give(record, kBob);
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  CHECK(has(daemon.log(), "belongs to another user (uid 12346); set aside as web.json.bad"));
}

TEST_CASE("path safety: a record whose program is gone gives way to the configuration and that is said") {
  Site site;
  fs::path copy = site.directory() / "old-demo";
  fs::copy_file(GV_DEMO, copy);
  site.configure("[app.web]\ncommand = \"@DIR@/old-demo\"\nlisten = \"@LISTEN@\"\n");
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    CHECK(wait_until([&] { return fs::exists(site.directory() / "state/apps/web.json"); }));
    CHECK(daemon.terminate().exit_code == 0);
  }
  fs::remove(copy);
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 2);
  REQUIRE_FALSE(test::texts(app->problems).empty());
  CHECK(test::texts(app->problems).front() ==
        "the record of web@1 cannot be started: command: " + copy.string() +
            ": No such file or directory; started from the configuration");
}

TEST_CASE(
    "path safety: a configuration in a clone of one's own is taken as root and a stranger's swap is not") {
  if (not_root()) return;
  Site site;
  const char* const kApp =
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nenvironment_file = \"@DIR@/clone/.env\"\n"
      "log.stdout = \"@DIR@/clone/log/web.log\"\n[app.web.deploy]\nguard = \"0s\"\n";
  site.configure(kApp);
  fs::path clone = site.directory() / "clone";
  (void)site.files().write("clone/.env", "A=1\n");
  for (const auto& theirs : {clone, clone / ".env", site.config()}) Place::give(theirs, kBob);
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1), daemon.log());
  CHECK(has(daemon.log(), "warning: " + site.config().string() + ":1:1: the file belongs to uid 12346"));
  CHECK(wait_until([&] { return fs::exists(clone / "log/web.log"); }));
  CHECK(daemon.ctl({"deploy", "web"}).exit_code == 0);

  Place::give(site.config(), kBob + 1);
  CommandResult refused = daemon.ctl({"deploy", "web"});
  INFO(describe(refused));
  CHECK(refused.exit_code == 2);
  CHECK(has(refused.err, "the file belongs to uid 12347"));
}

TEST_CASE("path safety: a folder is no configuration and root takes none by search from where it stands") {
  Site site;
  CommandResult folder = run_command({GV_DAEMON, "-c", "/tmp"});
  CHECK(folder.exit_code == 2);
  CHECK(folder.err == "/tmp:1:1: /tmp is a directory\n");
  if (::geteuid() != 0 || fs::exists("/etc/gracevisor/gracevisor.toml")) {
    skip("only for root, and where nothing is installed");
    return;
  }
  site.configure("[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n");
  CommandResult found =
      run_command({"sh", "-c", "cd " + site.directory().string() + " && exec " + GV_DAEMON + " --check"});
  INFO(describe(found));
  CHECK(found.exit_code == 2);
  CHECK(has(found.err, "./gracevisor.toml is not taken as root unless it is named: -c ./gracevisor.toml"));
}
