#include "spawn/launcher.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "support/temp_folder.h"

namespace gracevisor::spawn {
namespace {

using test::TempFolder;
namespace fs = std::filesystem;

// A copy of a program, whose exit status tells it from others.
void put_program(const fs::path& file, const char* program) {
  fs::create_directories(file.parent_path());
  fs::copy_file(program, file, fs::copy_options::overwrite_existing);
}

HelperFds all_null() {
  base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  HelperFds fds;
  for (base::UniqueFd* place : {&fds.in, &fds.out, &fds.err, &fds.plan, &fds.report}) {
    auto copy = base::duplicate(null.get(), kLowestSource);
    REQUIRE(copy.has_value());
    *place = std::move(*copy);
  }
  return fds;
}

// What the program that the launcher starts exits with.
int exit_status(const Launcher& launcher) {
  auto pid = launcher.start(all_null());
  REQUIRE(pid.has_value());
  int status = 0;
  REQUIRE(::waitpid(*pid, &status, 0) == *pid);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("launcher: gv-exec is looked for beside the daemon, then in libexec of the same tree") {
  CHECK(helper_places("/opt/gv/sbin/gracevisord", "../libexec/gracevisor") ==
        std::vector<fs::path>{"/opt/gv/sbin/gv-exec", "/opt/gv/libexec/gracevisor/gv-exec"});
}

TEST_CASE("launcher: the first file that is there is taken") {
  TempFolder folder;
  auto places = helper_places(folder / "sbin/gracevisord", "../libexec/gracevisor");
  put_program(places[1], "/bin/false");
  auto libexec = Launcher::open(places);
  REQUIRE(libexec.has_value());
  CHECK(exit_status(*libexec) == 1);
  put_program(places[0], "/bin/true");
  auto beside = Launcher::open(places);
  REQUIRE(beside.has_value());
  CHECK(exit_status(*beside) == 0);
}

TEST_CASE("launcher: without a file the error names every place that was tried and the cause") {
  TempFolder folder;
  auto places = helper_places(folder / "sbin/gracevisord", "../libexec/gracevisor");
  auto launcher = Launcher::open(places);
  REQUIRE(!launcher.has_value());
  CHECK(launcher.error().code == ENOENT);
  CHECK(launcher.error().what == "cannot open gv-exec, which starts the processes: " + places[0].string() +
                                     ": No such file or directory, " + places[1].string() +
                                     ": No such file or directory");
}

TEST_CASE("launcher: a file that is there but cannot be executed is an error and no other is taken") {
  TempFolder folder;
  auto places = helper_places(folder / "sbin/gracevisord", "../libexec/gracevisor");
  put_program(places[0], "/bin/true");
  put_program(places[1], "/bin/true");
  fs::permissions(places[0], fs::perms::owner_read | fs::perms::owner_write);
  auto launcher = Launcher::open(places);
  REQUIRE(!launcher.has_value());
  CHECK(launcher.error().what ==
        "cannot open gv-exec, which starts the processes: " + places[0].string() + ": Permission denied");
  fs::remove(places[0]);
  fs::create_directory(places[0]);
  CHECK(!Launcher::open(places).has_value());
}

TEST_CASE("launcher: what is started is the file that was opened, whatever lies at its path by then") {
  TempFolder folder;
  std::vector<fs::path> places = {folder / "gv-exec"};
  put_program(places[0], "/bin/false");
  auto launcher = Launcher::open(places);
  REQUIRE(launcher.has_value());
  put_program(folder / "new", "/bin/true");
  fs::rename(folder / "new", places[0]);
  CHECK(exit_status(*launcher) == 1);
  fs::remove(places[0]);
  CHECK(exit_status(*launcher) == 1);
}

TEST_CASE("launcher: its descriptor is out of the way of the helper's and ends at exec") {
  auto launcher = Launcher::open({"/bin/true"});
  REQUIRE(launcher.has_value());
  CHECK(launcher->fd() >= kLowestSource);
  CHECK(::fcntl(launcher->fd(), F_GETFD) == FD_CLOEXEC);
  CHECK((::fcntl(launcher->fd(), F_GETFL) & O_PATH) != 0);
}

}  // namespace
}  // namespace gracevisor::spawn
