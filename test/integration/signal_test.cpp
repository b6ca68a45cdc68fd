// What signals do to the daemon: it ends when it is asked to, whole, and never otherwise.
#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "support/daemon_process.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::string_view kWeb = "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n";

bool says(const DaemonProcess& daemon, const std::string& what) {
  return wait_until([&] { return daemon.log().find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("signals: QUIT stops the daemon as TERM does") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  daemon.signal(SIGQUIT);
  CommandResult end = daemon.wait_end();
  INFO(describe(end));
  CHECK(end.exit_code == 0);
  CHECK(end.err.find("exit app=web instance=1.1 status=\"exit 0\"") != std::string::npos);
}

TEST_CASE("signals: USR2 has another daemon take over, and the apps run on") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const std::vector<pid_t> web = daemon.pids("web");
  const int former = daemon.status()->pid;
  daemon.signal(SIGUSR2);
  CHECK(says(daemon, "took-over from=" + std::to_string(former)));
  CHECK(says(daemon, "predecessor-ended pid=" + std::to_string(former) + " how=\"exit 0\""));
  CHECK(daemon.wait_healthy("web", 1));
  CHECK(daemon.pids("web") == web);
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("signals: those that mean nothing to the daemon do not end it") {
  Site site;
  site.configure(kWeb);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  std::vector<int> meaningless = {SIGALRM, SIGVTALRM, SIGPROF, SIGIO,    SIGPWR,       SIGXCPU,
                                  SIGXFSZ, SIGSTKFLT, SIGPIPE, SIGRTMIN, SIGRTMIN + 7, SIGRTMAX};
  for (int number : meaningless) {
    CAPTURE(number);
    daemon.signal(number);
    REQUIRE(daemon.status().has_value());
  }
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("signals: TERM again and again while the daemon ends neither kills it nor loses log lines") {
  Site site;
  // Its last words keep the writer busy when everything else has ended.
  site.configure(
      "[app.talker]\ncommand = [\"/bin/sh\", \"-c\", \"trap 'seq 1 3000; echo last words; exit 0' TERM; "
      "while :; do sleep 0.02; done\"]\nendpoint = \"none\"\n"
      "[app.talker.deploy]\nsettle = \"50ms\"\n[app.talker.log]\nstdout = \"@DIR@/talker.log\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("talker", 1));
  daemon.signal(SIGTERM);
  REQUIRE(says(daemon, "exit app=talker instance=1.1 status=\"exit 0\""));
  while (daemon.running()) daemon.signal(SIGTERM);
  CommandResult end = daemon.wait_end();
  INFO("exit " << end.exit_code << " signal " << end.signal);
  CHECK(end.exit_code == 0);
  CHECK(end.err.find("shutdown stage=over") != std::string::npos);
  CHECK(content_of(site.directory() / "talker.log").ends_with("last words\n"));
}
