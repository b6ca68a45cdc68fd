// gv-exec, through which the daemon starts every process: where its file is found, and that the daemon keeps
// to the one that it found.
#include <doctest/doctest.h>

#include <algorithm>

#include "spawn/protocol.h"
#include "support/daemon_process.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kDemo =
    "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n"
    "[app.web.deploy]\nguard = \"0s\"\n";

// Copies of the programs, to be moved and removed. gv-keeper is looked for in the same places.
struct Tree {
  explicit Tree(const Site& site) : daemon(site.directory() / "tree/sbin/gracevisord") {
    put(GV_DAEMON, daemon);
    put(fs::path(GV_DAEMON).parent_path() / "gv-keeper", installed.parent_path() / "gv-keeper");
    site.configure(kDemo);
  }
  static void put(const fs::path& program, const fs::path& place) {
    fs::create_directories(place.parent_path());
    fs::copy_file(program, place);
  }

  fs::path daemon;
  fs::path beside = daemon.parent_path() / spawn::kHelperName;
  fs::path installed = (daemon.parent_path() / GV_EXEC_FROM_DAEMON / spawn::kHelperName).lexically_normal();
};

// What a process has open, as /proc names it.
std::vector<std::string> open_files(pid_t pid) {
  std::vector<std::string> files;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    files.push_back(fs::read_symlink(entry.path(), gone).string());
  }
  return files;
}

bool has(const std::vector<std::string>& files, const fs::path& file) {
  return std::find(files.begin(), files.end(), file.string()) != files.end();
}

}  // namespace

TEST_CASE("gv-exec: replaced and removed under a running daemon it still starts what is deployed") {
  Site site;
  Tree tree(site);
  Tree::put(GV_EXEC, tree.beside);
  DaemonProcess daemon(site, {}, tree.daemon);
  REQUIRE(daemon.wait_healthy("web", 1));

  fs::path other = site.files().write("other", "#!/bin/sh\nexit 1\n");
  fs::permissions(other, fs::perms::owner_all);
  fs::rename(other, tree.beside);
  CommandResult replaced = daemon.ctl({"deploy", "web"});
  INFO(describe(replaced) << daemon.log());
  CHECK(replaced.exit_code == 0);

  fs::remove_all(tree.daemon.parent_path());
  CommandResult removed = daemon.ctl({"deploy", "web"});
  INFO(describe(removed) << daemon.log());
  CHECK(removed.exit_code == 0);
  auto app = daemon.app("web");
  REQUIRE(app.has_value());
  CHECK(app->generation == 3);
}

TEST_CASE("gv-exec: an installed one is found wherever the tree lies, and no app inherits it") {
  Site site;
  Tree tree(site);
  Tree::put(GV_EXEC, tree.installed);
  DaemonProcess daemon(site, {}, tree.daemon);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(has(open_files(daemon.pid()), tree.installed));
  auto pids = daemon.pids("web");
  REQUIRE(pids.size() == 1);
  auto inherited = open_files(pids.front());
  REQUIRE(!inherited.empty());
  CHECK_FALSE(has(inherited, tree.installed));
}

TEST_CASE("gv-exec: the daemon does not start without it, and names the places and the cause") {
  Site site;
  Tree tree(site);
  const std::string kRefused = "gracevisord: cannot open gv-exec, which starts the processes: ";
  CommandResult missing = run_command({tree.daemon, "-c", site.config()});
  INFO(describe(missing));
  CHECK(missing.exit_code == 1);
  CHECK(missing.err.ends_with(kRefused + tree.beside.string() + ": No such file or directory, " +
                              tree.installed.string() + ": No such file or directory\n"));

  Tree::put(GV_EXEC, tree.beside);
  fs::permissions(tree.beside, fs::perms::owner_read);
  CommandResult closed = run_command({tree.daemon, "-c", site.config()});
  INFO(describe(closed));
  CHECK(closed.exit_code == 1);
  CHECK(closed.err.ends_with(kRefused + tree.beside.string() + ": Permission denied\n"));
  CHECK_FALSE(fs::exists(site.socket()));

  // Checking the configuration starts nothing.
  CHECK(run_command({tree.daemon, "-c", site.config(), "--check"}).exit_code == 0);
}

TEST_CASE("gv-exec: called by hand it says what it is for") {
  CommandResult result = run_command({GV_EXEC});
  CHECK(result.exit_code == spawn::kHelperFailed);
  CHECK(result.err.find("gracevisord starts this program") != std::string::npos);
}
