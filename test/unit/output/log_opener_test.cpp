// Logs at places that another user can bend: by whose rights they are opened, and what is refused.
#include "output/log_opener.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include "output/log_files.h"
#include "support/manual_clock.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using std::chrono::seconds;
using test::content_of;
using test::put_content;
namespace fs = std::filesystem;

namespace {

constexpr uid_t kWeb = 12345;
constexpr uid_t kBob = 12346;

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  handoff::Tally lost;
  base::Expected<spawn::Launcher> launcher = spawn::Launcher::open({GV_EXEC});
  spawn::Credentials web{kWeb, kWeb, {kWeb}, "web", "/", "/bin/sh"};
  std::vector<std::string> told;

  Fixture() {
    REQUIRE(launcher.has_value());
    // The app's user passes through it.
    REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  }
  LogWays ways() {
    base::PathTrust trust;
    trust.judged = true;
    trust.users = {::geteuid()};
    return {
        std::make_shared<const LogOpener>(trust, std::nullopt, &*launcher),
        [this](const std::string& path, const std::string& cause) { told.push_back(path + ": " + cause); }};
  }
  fs::path make(const std::string& name, uid_t owner) {
    fs::path made = folder / name;
    fs::create_directories(made);
    REQUIRE(::chown(made.c_str(), owner, owner) == 0);
    return made;
  }
  LogFile log(const fs::path& path, std::uint64_t max_size = 1 << 20, unsigned keep = 2) {
    return {FilePolicy{.path = path, .max_size = max_size, .keep = keep, .user = &web}, clock, lost, ways()};
  }
};

uid_t owner_of(const fs::path& path) {
  struct stat st{};
  REQUIRE(::lstat(path.c_str(), &st) == 0);
  return st.st_uid;
}

bool no_root() {
  if (::geteuid() == 0) return false;
  test::skip("only root can act with another user's rights");
  return true;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "log opener: in a folder of the app's user the file is made and written as theirs") {
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  auto file = log(home / "log/web.log");
  file.append("one\n", {});
  CHECK(content_of(home / "log/web.log") == "one\n");
  CHECK(owner_of(home / "log/web.log") == kWeb);
  CHECK(owner_of(home / "log") == kWeb);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "log opener: a link of the app's user leads root nowhere") {
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  put_content(folder / "victim", "secret\n");
  fs::create_directory(folder / "roots");
  fs::create_symlink(folder / "victim", home / "web.log");
  fs::create_directory_symlink(folder / "roots", home / "log");
  for (const char* name : {"web.log", "log/web.log"}) {
    CAPTURE(name);
    auto file = log(home / name);
    file.append("one\n", {});
    CHECK(file.degraded());
  }
  CHECK(content_of(folder / "victim") == "secret\n");
  CHECK(fs::is_empty(folder / "roots"));
  CHECK(told.size() == 2);

  // A second name of a file that is not theirs to write is put aside.
  fs::create_hard_link(folder / "victim", home / "hard.log");
  auto hard = log(home / "hard.log");
  hard.append("one\n", {});
  CHECK(content_of(folder / "victim") == "secret\n");
  CHECK(content_of(home / "hard.log") == "one\n");
  CHECK(owner_of(home / "hard.log") == kWeb);
}

TEST_CASE_FIXTURE(Fixture, "log opener: the old files of the app's user are moved by their rights") {
  if (no_root()) return;
  make("web", kWeb);
  fs::path home = make("web/inner", kWeb);
  auto file = log(home / "web.log", 6);
  file.append("aaaa\nbbbb\ncccc\n", {});
  CHECK(content_of(home / "web.log") == "cccc\n");
  CHECK(content_of(home / "web.log.1") == "bbbb\n");
  CHECK(content_of(home / "web.log.2") == "aaaa\n");
  CHECK(owner_of(home / "web.log") == kWeb);

  // Led into a folder of root's meanwhile: what lies there is not theirs to rename.
  fs::path roots = make("roots", 0);
  put_content(roots / "web.log", "root's\n");
  fs::rename(home, folder / "was");
  fs::create_directory_symlink(roots, home);
  REQUIRE(::lchown(home.c_str(), kWeb, kWeb) == 0);
  file.append("dddd\n", {});
  CHECK(content_of(roots / "web.log") == "root's\n");
  CHECK_FALSE(fs::exists(roots / "web.log.1"));
}

TEST_CASE_FIXTURE(Fixture,
                  "log opener: a file that root left in the user's folder is put aside and nothing is lost") {
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  put_content(home / "web.log", "old\n");
  REQUIRE(::chmod((home / "web.log").c_str(), 0640) == 0);
  auto file = log(home / "web.log");
  file.append("new\n", {});
  CHECK(content_of(home / "web.log") == "new\n");
  CHECK(content_of(home / "web.log.1") == "old\n");
}

TEST_CASE_FIXTURE(Fixture, "log opener: a third user's folder is refused and told once") {
  if (no_root()) return;
  fs::path bob = make("bob", kBob);
  auto file = log(bob / "web.log");
  file.append("one\n", {});
  clock.advance(seconds(2));
  file.append("two\n", {});
  CHECK(file.degraded());
  CHECK_FALSE(fs::exists(bob / "web.log"));
  REQUIRE(told.size() == 1);
  CHECK(told.front().find("the folder " + bob.string() + " belongs to uid 12346") != std::string::npos);

  REQUIRE(::chown(bob.c_str(), 0, 0) == 0);
  clock.advance(seconds(2));
  file.append("three\n", {});
  CHECK(content_of(bob / "web.log").ends_with("three\n"));
  REQUIRE(told.size() == 2);
  CHECK(told.back() == (bob / "web.log").string() + ": ");
}

TEST_CASE_FIXTURE(Fixture, "log opener: at a reopen that is refused the old file stays and it is told") {
  fs::path path = folder / "web.log";
  auto file = log(path);
  file.append("one\n", {});
  put_content(folder / "victim", "secret\n");
  fs::rename(path, folder / "moved");
  fs::create_symlink(folder / "victim", path);
  file.reopen();
  file.append("two\n", {});
  clock.advance(seconds(6));
  file.append("three\n", {});
  CHECK(content_of(folder / "moved") == "one\ntwo\nthree\n");
  CHECK(content_of(folder / "victim") == "secret\n");
  CHECK(lost.read() == 0);
  REQUIRE(told.size() == 1);
  CHECK(told.front().find("it is a symbolic link") != std::string::npos);

  fs::remove(path);
  file.reopen();
  file.append("four\n", {});
  CHECK(content_of(path) == "four\n");
  CHECK(told.back() == path.string() + ": ");
}

TEST_CASE_FIXTURE(
    Fixture, "log opener: a user who keeps an open waiting does not keep the others waiting soon again") {
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  // A program that never ends stands for a helper that hangs in the user's own file system.
  launcher = spawn::Launcher::open({"/usr/bin/yes"});
  REQUIRE(launcher.has_value());
  auto file = log(home / "web.log");
  file.append("one\n", {});
  CHECK(file.degraded());
  CHECK(told.size() == 1);
  CHECK(told.front().find("Connection timed out") != std::string::npos);
  launcher = spawn::Launcher::open({GV_EXEC});
  clock.advance(seconds(59));
  file.append("two\n", {});
  CHECK(file.degraded());
  clock.advance(seconds(1));
  file.append("three\n", {});
  CHECK(content_of(home / "web.log") == "[gracevisor: 2 lines, 8 bytes dropped]\nthree\n");
}

TEST_CASE_FIXTURE(Fixture, "log opener: a check makes nothing and says what opening would") {
  auto opener = ways().opener;
  CHECK(opener->check({.path = folder / "missing/web.log"}).has_value());
  CHECK(opener->check({.path = "/dev/stdout"}).has_value());
  CHECK_FALSE(fs::exists(folder / "missing"));
  fs::create_symlink("x", folder / "link.log");
  CHECK(opener->check({.path = folder / "link.log"}).error().error.code == ELOOP);
  if (no_root()) return;
  fs::path home = make("web", kWeb);
  CHECK(opener->check({.path = home / "web.log", .user = &web}).has_value());
  // A listener's log has no user who could open it there.
  CHECK(opener->check({.path = home / "web.log"}).error().refused);
}
