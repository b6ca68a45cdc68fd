#include "process/orphan_reaper.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/unique_fd.h"
#include "support/run_until.h"

using namespace gracevisor;
using namespace gracevisor::process;

namespace {

// A grandchild whose parent has gone, as a program that daemonises leaves one; it ends when `lifeline` is
// closed.
struct Orphan {
  base::UniqueFd lifeline;
  pid_t pid = 0;
};

Orphan make_orphan() {
  auto life = base::make_pipe();
  auto news = base::make_pipe();
  REQUIRE((life && news));
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    life->write_end.reset();
    pid_t grandchild = ::fork();
    if (grandchild == 0) {
      char byte = 0;
      (void)::read(life->read_end.get(), &byte, 1);
      ::_exit(0);
    }
    bool told = ::write(news->write_end.get(), &grandchild, sizeof grandchild) == sizeof grandchild;
    ::_exit(told ? 0 : 1);
  }
  Orphan orphan;
  REQUIRE(::read(news->read_end.get(), &orphan.pid, sizeof orphan.pid) == sizeof orphan.pid);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  orphan.lifeline = std::move(life->write_end);
  return orphan;
}

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

}  // namespace

TEST_CASE("orphans: a grandchild that was handed to the daemon is reaped when it ends") {
  auto loop = loop::Loop::create();
  REQUIRE(loop);
  {
    auto reaper = OrphanReaper::create(**loop, [](base::Pid /*pid*/) { return false; });
    REQUIRE(reaper);
    Orphan orphan = make_orphan();
    CHECK(exists(orphan.pid));
    orphan.lifeline.reset();
    CHECK(test::run_until(**loop, [&] { return !exists(orphan.pid); }));
  }
  CHECK((*loop)->close() == 0);
}

TEST_CASE("orphans: a child of the daemon's own is left to its pidfd") {
  auto loop = loop::Loop::create();
  REQUIRE(loop);
  {
    pid_t own = 0;
    bool asked = false;
    auto reaper = OrphanReaper::create(**loop, [&](base::Pid pid) {
      asked = asked || pid.value() == own;
      return pid.value() == own;
    });
    REQUIRE(reaper);
    own = ::fork();
    REQUIRE(own >= 0);
    if (own == 0) ::_exit(7);
    CHECK(test::run_until(**loop, [&] { return asked; }));
    int status = 0;
    REQUIRE(::waitpid(own, &status, 0) == own);
    CHECK(WEXITSTATUS(status) == 7);
  }
  CHECK((*loop)->close() == 0);
}
