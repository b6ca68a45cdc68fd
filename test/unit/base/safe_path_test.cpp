// Walking to a file as root: links, foreign folders and second names, with real ones where the test is root.
#include "base/safe_path.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::base;
namespace fs = std::filesystem;
using test::content_of;
using test::put_content;

namespace {

constexpr uid_t kWeb = 12345;
constexpr uid_t kBob = 12346;

// Its mode is 0700, as mkdtemp makes it; every folder above it is root's or sticky.
struct Fixture {
  test::TempFolder folder;
  PathRules rules;

  Fixture() {
    rules.trust.judged = true;
    rules.trust.users = {::geteuid()};
    rules.app = AppUser{kWeb, kWeb};
  }
  fs::path make(const std::string& name, uid_t owner, mode_t mode) {
    fs::path made = folder / name;
    fs::create_directories(made);
    REQUIRE(::chmod(made.c_str(), mode) == 0);
    REQUIRE(::chown(made.c_str(), owner, owner) == 0);
    return made;
  }
  // "ok", "app", or the error.
  std::string verdict(const fs::path& path) {
    auto place = find_place(path, rules);
    if (!place) return place.error().error.what;
    return place->app_writes ? "app" : "ok";
  }
};

bool no_root() {
  if (::geteuid() == 0) return false;
  test::skip("only root can make other users' files");
  return true;
}

mode_t mode_of(const fs::path& path) {
  struct stat st{};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 07777;
}

bool refused(const std::string& text, const fs::path& path, const std::string& why) {
  INFO(text);
  return text == "cannot use " + path.string() + ": " + why +
                     "; as root the daemon follows only what no other user can replace";
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "safe path: each folder on the way is judged by who could replace the next step") {
  if (no_root()) return;
  fs::path own = make("own", 0, 0755);
  fs::path web = make("web", kWeb, 0755);
  fs::path bob = make("bob", kBob, 0755);
  fs::path open = make("open", 0, 0777);
  fs::path below = make("bob/below", 0, 0755);
  CHECK(verdict(own / "a.log") == "ok");
  CHECK(verdict(web / "a.log") == "app");
  CHECK(verdict(web / "missing/a.log") == "app");
  CHECK(
      refused(verdict(bob / "a.log"), bob / "a.log", "the folder " + bob.string() + " belongs to uid 12346"));
  CHECK(refused(verdict(below / "a.log"), below / "a.log",
                "the folder " + bob.string() + " belongs to uid 12346"));
  CHECK(refused(verdict(open / "a.log"), open / "a.log",
                "the folder " + open.string() + " can be written by everyone"));
  CHECK(verdict(own / "missing/a.log").find("No such file") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "safe path: a link is followed to where it leads, and judged there too") {
  if (no_root()) return;
  fs::path own = make("own", 0, 0755);
  fs::path bob = make("bob", kBob, 0755);
  fs::create_directory_symlink("../bob", own / "to-bob");
  fs::create_directory_symlink(own, bob / "to-own");
  fs::create_directory_symlink("own", folder / "relative");
  fs::create_directory_symlink("loop", folder / "loop");
  CHECK(verdict(folder / "relative/a.log") == "ok");
  CHECK(verdict(folder / "relative/../own/a.log") == "ok");
  CHECK(verdict(own / "to-bob/a.log").find("the folder " + bob.string() + " belongs to") !=
        std::string::npos);
  CHECK(verdict(bob / "to-own/a.log").find("the folder " + bob.string() + " belongs to") !=
        std::string::npos);
  CHECK(verdict(folder / "loop/a.log").find(errno_text(ELOOP)) != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "safe path: in a sticky folder what is there counts by its owner") {
  if (no_root()) return;
  fs::path shared = make("shared", 0, 01777);
  fs::path mine = make("shared/mine", 0, 0755);
  fs::path bob = make("shared/bob", kBob, 0755);
  CHECK(verdict(mine / "a.log") == "ok");
  CHECK(verdict(shared / "new.log") == "ok");
  CHECK(refused(verdict(bob / "a.log"), bob / "a.log", bob.string() + " belongs to uid 12346"));
  put_content(shared / "bob.log", "x");
  REQUIRE(::chown((shared / "bob.log").c_str(), kBob, kBob) == 0);
  CHECK(verdict(shared / "bob.log").find("belongs to uid 12346") != std::string::npos);
  // A link of theirs leads nowhere.
  fs::create_symlink(mine, shared / "link");
  REQUIRE(::lchown((shared / "link").c_str(), kBob, kBob) == 0);
  CHECK(verdict(shared / "link/a.log").find("belongs to uid 12346") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "safe path: what is made has its mode and group whatever the umask") {
  rules.trust.judged = false;
  rules.make_folders = true;
  rules.readers = ::getegid();
  for (mode_t mask : {mode_t{0}, mode_t{077}, mode_t{0377}}) {
    fs::path file = folder / std::to_string(mask) / "b/a.log";
    mode_t before = ::umask(mask);
    auto place = find_place(file, rules);
    bool made = place && open_log(*place, rules);
    (void)::umask(before);
    REQUIRE(made);
    CHECK(mode_of(file) == 0640);
    CHECK(mode_of(file.parent_path()) == 0750);
    CHECK(mode_of(file.parent_path().parent_path()) == 0750);
  }
}

TEST_CASE_FIXTURE(Fixture, "safe path: a log is a regular file with one name and never a link") {
  rules.trust.judged = false;
  auto why = [this](const std::string& name) {
    auto place = find_place(folder / name, rules);
    REQUIRE(place.has_value());
    auto opened = open_log(*place, rules);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().refused);
    return opened.error().error.code;
  };
  put_content(folder / "victim", "secret\n");
  fs::create_symlink(folder / "victim", folder / "link");
  fs::create_symlink(folder / "absent", folder / "dangling");
  fs::create_hard_link(folder / "victim", folder / "second");
  fs::create_directory(folder / "folder");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(why("link") == ELOOP);
  CHECK(why("dangling") == ELOOP);
  CHECK(why("second") == EMLINK);
  CHECK(why("folder") == EISDIR);
  CHECK(why("fifo") == EINVAL);
  CHECK(content_of(folder / "victim") == "secret\n");
  CHECK_FALSE(fs::exists(folder / "absent"));
}

TEST_CASE_FIXTURE(Fixture, "safe path: a file is judged as the folders are") {
  if (no_root()) return;
  auto opened = [this](uid_t owner, mode_t mode) {
    put_content(folder / "file", "x");
    REQUIRE(::chown((folder / "file").c_str(), owner, owner) == 0);
    REQUIRE(::chmod((folder / "file").c_str(), mode) == 0);
    auto place = find_place(folder / "file", rules);
    REQUIRE(place.has_value());
    auto file = open_to_read(*place, rules);
    if (!file) return file.error().error.what;
    return std::string(file->app_writes ? "app" : "ok");
  };
  CHECK(opened(0, 0644) == "ok");
  CHECK(opened(kWeb, 0600) == "app");
  CHECK(opened(kBob, 0644).find("the file belongs to uid 12346") != std::string::npos);
  CHECK(opened(0, 0666).find("the file can be written by everyone") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "safe path: in a sticky folder a file with a second name is not read") {
  if (no_root()) return;
  fs::path shared = make("shared", 0, 01777);
  put_content(folder / "secret", "x");
  fs::create_hard_link(folder / "secret", shared / "file");
  auto place = find_place(shared / "file", rules);
  REQUIRE(place.has_value());
  auto file = open_to_read(*place, rules);
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().error.code == EMLINK);
}

TEST_CASE_FIXTURE(Fixture, "safe path: what is shown to everybody is nothing that somebody linked to") {
  if (no_root()) return;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  fs::path own = make("own", 0, 0700);
  fs::path bob = make("bob", kBob, 0755);
  auto put = [](const fs::path& file, mode_t mode) {
    put_content(file, "x");
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return file;
  };
  auto shown = [this](const fs::path& file) { return open_to_show(file, rules).has_value(); };
  CHECK(shown(put(own / "page", 0600)));
  CHECK(shown(put(bob / "page", 0644)));
  CHECK_FALSE(shown(put(bob / "private", 0600)));
  put(folder / "secret", 0600);
  put(own / "inside", 0644);
  fs::create_symlink(folder / "secret", bob / "to-secret");
  fs::create_symlink(own / "inside", bob / "to-inside");
  CHECK_FALSE(shown(bob / "to-secret"));
  CHECK_FALSE(shown(bob / "to-inside"));
}

TEST_CASE_FIXTURE(Fixture,
                  "safe path: a folder of the daemon's own belongs to it and nobody else can write it") {
  rules.make_folders = true;
  CHECK(own_folder(folder / "a/b", rules).has_value());
  CHECK(mode_of(folder / "a/b") == 0750);
  rules.trust.judged = false;  // as an ordinary user, too
  REQUIRE(::chmod((folder / "a/b").c_str(), 0770) == 0);
  auto shared = own_folder(folder / "a/b", rules);
  REQUIRE_FALSE(shared.has_value());
  CHECK(shared.error().error.what == (folder / "a/b").string() +
                                         " can be written by other users: chmod go-w " +
                                         (folder / "a/b").string());
  if (no_root()) return;
  fs::path bob = make("bob", kBob, 0755);
  CHECK(own_folder(bob, rules).error().error.what == bob.string() + " belongs to another user (uid 12346)");
}
