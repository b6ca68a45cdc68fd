// Whose files a configuration may be made of.
#include <unistd.h>

#include "loading.h"
#include "support/skip.h"

namespace gracevisor::config {
namespace {

using test::Folder;
using test::joined;
using test::lines;

constexpr uid_t kAda = 12345;
constexpr uid_t kBob = 12346;

struct Fixture {
  Folder folder;
  DaemonUser root = root_user();

  std::string write(const std::string& name, const std::string& text, uid_t owner) {
    std::string file = folder.write(name, text);
    REQUIRE(::chown(file.c_str(), owner, owner) == 0);
    return file;
  }
  std::string problems(const std::string& file) {
    auto loaded = load(file, root);
    return loaded ? "" : joined(lines(loaded.error()));
  }
};

bool no_root() {
  if (::geteuid() == 0) return false;
  gracevisor::test::skip("only root can give files to others");
  return true;
}

TEST_CASE_FIXTURE(
    Fixture, "file owner: the one who owns the named file may own what it includes and is warned of once") {
  if (no_root()) return;
  std::string main = write("main.toml", "include = [\"a.toml\", \"b.toml\"]\n", kAda);
  write("a.toml", "", kAda);
  write("b.toml", "", 0);
  auto loaded = load(main, root);
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.owner == kAda);
  CHECK(lines(loaded->warnings) ==
        std::vector<std::string>{
            main + ":1:1: the file belongs to uid 12345, who can have the daemon, which is root, "
                   "do anything"});
}

TEST_CASE_FIXTURE(Fixture, "file owner: what a stranger owns is no configuration") {
  if (no_root()) return;
  std::string main = write("main.toml", "include = \"bob.toml\"\n", kAda);
  std::string bob = write("bob.toml", "", kBob);
  CHECK(problems(main) == bob +
                              ":1:1: the file belongs to uid 12346, and neither to root nor to the daemon's "
                              "user nor to the owner of "
                              "the main file\n");
  std::string roots = write("roots.toml", "include = \"bob.toml\"\n", 0);
  CHECK(problems(roots).find("belongs to uid 12346") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "file owner: a file that was exchanged since the start is read no more") {
  if (no_root()) return;
  std::string main = write("main.toml", "", kAda);
  root.config_owner = kAda;
  CHECK(problems(main).empty());
  write("main.toml", "", kBob);
  CHECK(problems(main).find("belongs to uid 12346") != std::string::npos);
  write("main.toml", "", 0);
  CHECK(problems(main).empty());
  root.config_owner = 0;  // found by search, or root's at the start
  write("main.toml", "", kAda);
  CHECK(problems(main).find("belongs to uid 12345") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "file owner: an ordinary daemon's file may be its group's but not everyone's") {
  std::string shared = folder.write("shared.toml", "", 0664);
  CHECK(load(shared, test::ordinary()).has_value());
  std::string open = folder.write("open.toml", "", 0666);
  auto loaded = load(open, test::ordinary());
  REQUIRE_FALSE(loaded.has_value());
  CHECK(lines(loaded.error()) ==
        std::vector<std::string>{open + ":1:1: the file can be written by everyone (mode 0666): chmod o-w " +
                                 open});
}

TEST_CASE_FIXTURE(Fixture, "files: a folder is said to be one and its mode is nobody's business") {
  for (const DaemonUser& who : {root, test::ordinary()}) {
    auto loaded = load("/tmp", who);
    REQUIRE_FALSE(loaded.has_value());
    CHECK(lines(loaded.error()) == std::vector<std::string>{"/tmp:1:1: /tmp is a directory"});
  }
}

}  // namespace
}  // namespace gracevisor::config
