// By whose rights an app's files are read.
#include "supervise/file_access.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "support/log_socket.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::supervise;
using test::put_content;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kWeb = 12345;
constexpr uid_t kBob = 12346;

struct Fixture {
  test::TempFolder folder;
  base::Expected<spawn::Launcher> launcher = spawn::Launcher::open({GV_EXEC});
  std::optional<spawn::Credentials> web = spawn::Credentials{kWeb, kWeb, {kWeb}, "web", "/", "/bin/sh"};

  Fixture() {
    REQUIRE(launcher.has_value());
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  }
  FileAccess access() {
    base::PathTrust trust;
    trust.judged = true;
    trust.users = {::geteuid()};
    return {trust, &*launcher};
  }
  fs::path make(const std::string& name, uid_t owner) {
    fs::path made = folder / name;
    fs::create_directories(made);
    REQUIRE(::chown(made.c_str(), owner, owner) == 0);
    return made;
  }
  fs::path put(const fs::path& file, uid_t owner, mode_t mode) {
    put_content(file, "A=1\n");
    REQUIRE(::chown(file.c_str(), owner, owner) == 0);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  }
  std::string read(const fs::path& file, std::uint32_t limit = 100) {
    auto text = access().reader().read(file, limit, web);
    return text ? *text : text.error().what;
  }
};

bool no_root() {
  if (::geteuid() == 0) return false;
  test::skip("only root can act with another user's rights");
  return true;
}

bool says(const std::string& text, const std::string& what) {
  INFO(text);
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "file access: secrets that root alone can read are read for an app with a user") {
  if (no_root()) return;
  CHECK(read(put(folder / "secrets.env", 0, 0600)) == "A=1\n");
  fs::create_symlink("secrets.env", folder / "link.env");  // in a folder of root's
  CHECK(read(folder / "link.env") == "A=1\n");
  CHECK(access().reader().read(folder / "missing.env", 100, web).error().code == ENOENT);
}

TEST_CASE_FIXTURE(Fixture,
                  "file access: in the app's folder its rights decide and root's secrets stay root's") {
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  CHECK(read(put(home / "own.env", kWeb, 0600)) == "A=1\n");
  put(folder / "secrets.env", 0, 0600);
  fs::create_symlink(folder / "secrets.env", home / "link.env");
  CHECK(says(read(home / "link.env"),
             "Permission denied (with the rights of web, who can change what is there)"));
  // A file of theirs in a folder of root's may be changed, but leads nowhere else.
  CHECK(read(put(folder / "theirs.env", kWeb, 0600)) == "A=1\n");
  CHECK(says(read(home / "own.env", 3), "is longer than 3 bytes"));
  auto missing = access().reader().read(home / "missing.env", 100, web);
  CHECK(missing.error().code == ENOENT);
  REQUIRE(::mkfifo((home / "fifo").c_str(), 0666) == 0);
  CHECK(says(read(home / "fifo"), "is not a regular file"));
}

TEST_CASE_FIXTURE(Fixture, "file access: what a third user can change is not read") {
  if (no_root()) return;
  fs::path bob = make("bob", kBob);
  put(bob / "x.env", 0, 0644);
  CHECK(says(read(bob / "x.env"), "the folder " + bob.string() + " belongs to uid 12346"));
  CHECK(says(read(put(folder / "bobs.env", kBob, 0644)), "the file belongs to uid 12346"));
  CHECK(says(read(put(folder / "open.env", 0, 0666)), "the file can be written by everyone"));
}

TEST_CASE_FIXTURE(Fixture,
                  "file access: the places of logs and sockets are judged before anything is opened") {
  config::App app;
  app.log.out = (folder / "a.log").string();
  app.log.err = "stdout";
  app.log.access = "inherit";
  CHECK(access().check_logs(app, web).has_value());
  CHECK_FALSE(fs::exists(folder / "a.log"));
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  fs::path bob = make("bob", kBob);
  app.log.access = (home / "access.log").string();
  CHECK(access().check_logs(app, web).has_value());
  CHECK(says(access().check_logs(app, std::nullopt).error().what,
             "app." + app.name + ".log.access: cannot use "));
  app.log.err = (bob / "err.log").string();
  CHECK(says(access().check_logs(app, web).error().what, "app." + app.name + ".log.stderr: cannot use "));

  config::Listener listener;
  listener.addresses = {*base::Address::unix_path((folder / "s.sock").string())};
  CHECK(access().check(listener).has_value());
  listener.addresses = {*base::Address::unix_path((bob / "s.sock").string())};
  CHECK(says(access().check(listener).error().what, "belongs to uid 12346"));
  listener.addresses.clear();
  listener.access_log = (home / "access.log").string();
  CHECK(says(access().check(listener).error().what, "access_log: cannot use "));
}

TEST_CASE_FIXTURE(Fixture,
                  "file access: that nobody takes an app's lines is a hint, and a bad place an error") {
  std::vector<std::string> hints;
  config::App app;
  app.name = "web";
  const std::string socket = (folder / "log.sock").string();
  app.log.out = "syslog:" + socket;
  CHECK(access().check_logs(app, web).has_value());
  access().try_sinks(app, hints);
  CHECK(hints == std::vector<std::string>{
                     "app.web.log.stdout: cannot connect to syslog:" + socket +
                     ": No such file or directory; 8 MiB of lines wait for whoever listens there"});
  hints.clear();
  test::LogSocket listening(socket, test::LogSocket::Kind::stream);
  CHECK(access().check_logs(app, web).has_value());
  CHECK(listening.take().empty());
  CHECK(listening.closed() == 0);  // nobody connected
  app.log.err = "syslog:udp://127.0.0.1:9";
  CHECK(access().check_logs(app, web).has_value());
  access().try_sinks(app, hints);
  CHECK(hints.empty());
  CHECK(listening.take().empty());
  CHECK(listening.closed() == 1);
  if (no_root()) return;
  const test::LogSocket of_web(make("home", kWeb) / "log.sock");
  app.log.err = "journal:" + (folder / "home/log.sock").string();
  CHECK(says(access().check_logs(app, web).error().what, "app.web.log.stderr: cannot use "));
}
