#include "spawn/exit_status.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <set>

namespace gracevisor::spawn {
namespace {

TEST_CASE("exit status: texts that a person understands") {
  CHECK(text(Exited{1}) == "exit 1");
  CHECK(text(Signaled{SIGKILL, false}) == "signal 9 (KILL)");
  CHECK(text(Signaled{SIGSEGV, true}) == "signal 11 (SEGV), core dumped");
  CHECK(text(Signaled{40, false}) == "signal 40");
  CHECK(text(SpawnFailed{SpawnStage::exec, ENOENT}) == "cannot execute: No such file or directory");
  CHECK(text(SpawnFailed{SpawnStage::chdir, EACCES}) == "cannot enter the directory: Permission denied");
  CHECK(text(SpawnFailed{SpawnStage::timeout, 0}) == "the spawn helper took too long");
  CHECK(text(SpawnFailed{SpawnStage::crashed, 139}) == "the spawn helper died (status 139)");
  CHECK(text(Unknown{}) == "the keeper is gone: how it ended is unknown");
}

TEST_CASE("exit status: every stage has a text of its own") {
  std::set<std::string> texts;
  for (int stage = 0; stage <= static_cast<int>(kLastStage); ++stage) {
    texts.insert(text(SpawnFailed{static_cast<SpawnStage>(stage), EPERM}));
  }
  CHECK(texts.size() == static_cast<std::size_t>(kLastStage) + 1);
}

TEST_CASE("exit status: a limit or privilege that failed is named by its key") {
  CHECK(text(SpawnFailed{SpawnStage::nofile, EPERM}) == "cannot set limits.nofile: Operation not permitted");
  CHECK(text(SpawnFailed{SpawnStage::private_tmp, EPERM, "takes CAP_SYS_ADMIN"}) ==
        "cannot make a private_tmp: takes CAP_SYS_ADMIN");
  CHECK_FALSE(own_shortage(SpawnFailed{SpawnStage::nofile, EPERM}));
}

TEST_CASE("exit status: clean is exit 0 and the signals by which one is asked to end") {
  CHECK(clean(Exited{0}));
  CHECK(!clean(Exited{1}));
  CHECK(!clean(Exited{143}));
  for (int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) CHECK(clean(Signaled{number, false}));
  for (int number : {SIGKILL, SIGSEGV, SIGABRT, SIGUSR1}) CHECK(!clean(Signaled{number, false}));
  CHECK(!clean(SpawnFailed{SpawnStage::exec, 0}));
  CHECK(!clean(Unknown{}));
}

TEST_CASE("exit status: only what the daemon itself was short of is its own shortage") {
  for (SpawnStage stage : {SpawnStage::pipe, SpawnStage::memfd, SpawnStage::spawn, SpawnStage::pidfd}) {
    CHECK(own_shortage(SpawnFailed{stage, EMFILE}));
    CHECK_FALSE(own_shortage(SpawnFailed{stage, EINVAL}));
  }
  CHECK(own_shortage(SpawnFailed{SpawnStage::spawn, EAGAIN}));
  CHECK(own_shortage(SpawnFailed{SpawnStage::endpoint, EADDRNOTAVAIL}));
  // The app's own limit, or the user's.
  for (SpawnStage stage : {SpawnStage::fds, SpawnStage::exec, SpawnStage::uid, SpawnStage::crashed}) {
    CHECK_FALSE(own_shortage(SpawnFailed{stage, EMFILE}));
  }
  CHECK_FALSE(own_shortage(Exited{EMFILE}));
  CHECK_FALSE(own_shortage(Unknown{}));
}

}  // namespace
}  // namespace gracevisor::spawn
