// Successors that do not come to serve, and upgrades that are refused: the daemon goes on as if nothing had
// been.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{30};

// An app, clients that never stop, and the daemon that must outlast what is tried.
struct Firm {
  Site site;
  std::unique_ptr<DaemonProcess> daemon;
  std::unique_ptr<LoadGenerator> load;
  pid_t first = 0;
  std::uint64_t generation = 1;

  Firm() {
    site.configure(named_app("web", "@LISTEN@"));
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("web", 1));
    first = owner(*daemon);
    load = std::make_unique<LoadGenerator>(site.listener(), Request{}, 2);
  }

  // The upgrade fails with this exit code, and says `why` in its report or its error.
  void fails(const std::vector<std::string>& arguments, int exit, const std::string& why,
             std::chrono::seconds patience = std::chrono::seconds(60)) const {
    const Population before = app_processes(*daemon);
    // Records may still be written.
    std::vector<std::string> words{"--wait"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Upgraded failed = upgrade(*daemon, words, patience);
    INFO(describe(failed) << daemon->log());
    CHECK(failed.result.exit_code == exit);
    CHECK(has(failed.result.out + failed.result.err, why));
    CHECK(app_processes(*daemon) == before);
  }
  // It serves, deploys, and can be upgraded.
  void goes_on() {
    INFO(daemon->log());
    CHECK(owner(*daemon) == first);
    CHECK(wait_alone(*daemon));
    const CommandResult deploy = daemon->ctl({"deploy", "web"});
    INFO(describe(deploy));
    CHECK(deploy.exit_code == 0);
    CHECK(daemon->app("web")->generation == ++generation);
    first = upgrade_well(*daemon);
    CHECK(wait_alone(*daemon));
  }
  void end() {
    const std::uint64_t served = load->so_far().ok;
    CHECK(wait_until([&] { return load->so_far().ok >= served + 20; }));
    const LoadResult result = load->stop();
    INFO(describe(result) << daemon->log());
    CHECK(result.failed() == 0);
    CHECK(result.connections == 2);
    CHECK(daemon->terminate().exit_code == 0);
  }
};

}  // namespace

TEST_CASE("upgrade: a file that is no program or no gracevisord is refused with exit 2") {
  Firm firm;
  const auto text = firm.site.files().write("text", "hello\n", 0755);
  const auto plain = firm.site.files().write("plain", "#!/bin/sh\necho gracevisord 9.9.9\n", 0644);
  std::filesystem::create_directory(firm.site.directory() / "folder");
  firm.fails({"--to", text.string()}, 2, text.string() + " is no gracevisord");
  firm.fails({"--to", plain.string()}, 2, plain.string());
  firm.fails({"--to", (firm.site.directory() / "folder").string()}, 2, "is a directory");
  firm.fails({"--to", (firm.site.directory() / "missing").string()}, 2, "No such file or directory");
  firm.goes_on();
  firm.fails({"--to", "/bin/true"}, 2, "/bin/true is no gracevisord");
  firm.fails({"--to", stand_in(firm.site, "stranger").string()}, 2, "is no gracevisord");
  firm.goes_on();
  firm.end();
}

TEST_CASE("upgrade: a program whose check of the configuration fails is refused with what it says") {
  Firm firm;
  const auto refuses = stand_in(firm.site, "refuses");
  for (int i = 0; i < 2; ++i) {
    const Upgraded failed = upgrade(*firm.daemon, {"--wait", "--to", refuses.string()});
    INFO(describe(failed) << firm.daemon->log());
    CHECK(failed.result.exit_code == 2);
    CHECK(has(failed.text("upgrade"), " -> 9.9.9"));
    CHECK(has(failed.text("failed"), "--check: exit 2: nothing was changed"));
    CHECK(has(failed.result.out, "gracevisor.toml:1: error: no such key"));
    CHECK(has(failed.result.out, "gracevisor.toml:2: error: nor this one"));
  }
  firm.goes_on();
  // The real one refuses a broken file in the same way.
  const std::string good = content_of(firm.site.config());
  put_content(firm.site.config(), good + "nonsense = true\n");
  firm.fails({}, 2, "nonsense");
  put_content(firm.site.config(), good);
  firm.goes_on();
  firm.end();
}

TEST_CASE("upgrade: a successor that ends at once leaves the daemon as it was") {
  Firm firm;
  firm.fails({"--to", stand_in(firm.site, "ends").string()}, 1, "ended before it served");
  firm.goes_on();
  firm.fails({"--to", stand_in(firm.site, "crashes").string()}, 1, "ended before it served: signal 9 (KILL)");
  firm.goes_on();
  firm.end();
}

TEST_CASE("upgrade: a script that says it is gracevisord cannot be a successor") {
  Firm firm;
  const auto script = firm.site.files().write(
      "script", "#!/bin/sh\n[ \"$1\" = --version ] && echo gracevisord 9.9.9\nexit 0\n", 0755);
  const Upgraded failed = upgrade(*firm.daemon, {"--wait", "--to", script.string()});
  INFO(describe(failed) << firm.daemon->log());
  CHECK((failed.result.exit_code == 1 || failed.result.exit_code == 2));
  CHECK(failed.lines.back().phase == "failed");
  firm.goes_on();
  firm.end();
}

TEST_CASE("upgrade: a successor that is killed in its start leaves the daemon as it was") {
  Firm firm;
  for (int i = 0; i < 4; ++i) {
    const auto upgrading = firm.daemon->ctl_beside({"--json", "upgrade", "--wait"});
    const pid_t successor = wait_started(*upgrading);
    REQUIRE(successor > 0);
    (void)::kill(successor, SIGKILL);
    const Upgraded ended = read_upgrade(upgrading->wait());
    INFO(describe(ended) << firm.daemon->log());
    if (has(ended.phases(), "serving")) {
      // It was the owner already.
      CHECK(ended.result.exit_code == 0);
      REQUIRE(wait_until([&] { return owner(*firm.daemon) != 0; }, std::chrono::seconds(20)));
      CHECK(wait_alone(*firm.daemon));
    } else {
      CHECK(ended.result.exit_code == 1);
      CHECK(has(ended.text("failed"), "ended before it served: signal 9 (KILL)"));
      CHECK(owner(*firm.daemon) == firm.first);
    }
    firm.first = owner(*firm.daemon);
    firm.goes_on();
  }
  (void)firm.load->stop();
  CHECK(firm.daemon->terminate().exit_code == 0);
}

TEST_CASE("upgrade: a program that others may write is not run") {
  Firm firm;
  const auto next = copy_of_daemon(firm.site, "next");
  for (const unsigned mode : {0757U, 0777U}) {
    std::filesystem::permissions(next, std::filesystem::perms(mode));
    firm.fails({"--to", next.string()}, 7, next.string());
  }
  std::filesystem::permissions(next, std::filesystem::perms(0755));
  std::filesystem::permissions(next.parent_path(), std::filesystem::perms(0777));
  firm.fails({"--to", next.string()}, 7, next.parent_path().string());
  std::filesystem::permissions(next.parent_path(), std::filesystem::perms(0755));
  if (::geteuid() == 0) {
    REQUIRE(::chown(next.c_str(), 65534, 65534) == 0);
    firm.fails({"--to", next.string()}, 7, next.string());
    REQUIRE(::chown(next.c_str(), 0, 0) == 0);
  }
  firm.first = upgrade_well(*firm.daemon, {"--to", next.string()});
  firm.goes_on();
  firm.end();
}

TEST_CASE("upgrade: a deploy is in the way, and --wait does it afterwards") {
  Site site;
  site.configure(guarded_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until(
      [&] {
        const auto app = daemon.app("web");
        return app && app->generation == 2 && app->deploy && app->deploy->running;
      },
      kPatience));
  const pid_t first = owner(daemon);
  const Upgraded refused = upgrade(daemon);
  INFO(describe(refused));
  CHECK(refused.result.exit_code == 5);
  CHECK(has(refused.result.out + refused.result.err, "web"));
  CHECK(owner(daemon) == first);
  const Upgraded late = upgrade(daemon, {"--wait", "--timeout", "200ms"});
  INFO(describe(late));
  CHECK(late.result.exit_code == 5);

  const auto waits = daemon.ctl_beside({"--json", "upgrade", "--wait"});
  REQUIRE(wait_until([&] { return has(waits->out(), "\"phase\":\"wait\""); }, kPatience));
  const Upgraded second = upgrade(daemon);
  CHECK(second.result.exit_code == 5);
  CHECK(has(second.result.out + second.result.err, "another upgrade is under way"));
  CHECK(daemon.ctl({"abort", "web"}).exit_code == 0);
  (void)deploy->wait();
  const Upgraded done = read_upgrade(waits->wait());
  INFO(describe(done) << daemon.log());
  CHECK(done.result.exit_code == 0);
  CHECK(owner(daemon) == done.successor());
  CHECK(daemon.wait_healthy("web", 1));
  CHECK(served_by(site.listener()) == "web");
}

TEST_CASE("upgrade: requests that wait for an instance are in the way until they are answered") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "restart.backoff = \"2s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(::kill(daemon.pids("web").at(0), SIGKILL) == 0);
  REQUIRE(wait_until([&] { return daemon.app("web")->healthy == 0; }));
  auto client = HttpConnection::connect(site.listener());
  REQUIRE(client.has_value());
  REQUIRE(client->send(to_text(Request{})).has_value());
  // As soon as a worker has read it.
  Upgraded refused;
  REQUIRE(wait_until(
      [&] {
        refused = upgrade(daemon, {"--to", stand_in(site, "refuses").string()});
        return refused.result.exit_code == 5;
      },
      kPatience));
  INFO(describe(refused) << daemon.log());
  CHECK(has(refused.result.out + refused.result.err, "1 request of web wait"));
  (void)upgrade_well(daemon);
  const auto answer = client->read_response();
  REQUIRE_MESSAGE(answer.has_value(), daemon.log());
  CHECK(answer->status == 200);
}

TEST_CASE("upgrade: a member of the operator group may not ask for it") {
  if (::geteuid() != 0) return skip("only root can become somebody else");
  Site site;
  site.configure_whole(site.daemon_table() + "operator_group = \"users\"\n" + named_app("web", "@LISTEN@"));
  std::filesystem::permissions(site.directory(), std::filesystem::perms(0711));
  const auto gvctl = site.directory() / "gvctl";
  std::filesystem::copy_file(GV_CTL, gvctl);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const pid_t first = owner(daemon);
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--now"}, {"--wait"}}) {
    std::vector<std::string> words{"setpriv", "--reuid",  "65534",
                                   "--regid", "65534",    "--groups=100",
                                   gvctl,     "--socket", site.socket().string(),
                                   "upgrade"};
    words.insert(words.end(), more.begin(), more.end());
    const CommandResult refused = run_command(words);
    INFO(describe(refused));
    CHECK(refused.exit_code == 7);
    CHECK(has(refused.err, "user 65534 may not"));
  }
  CHECK(owner(daemon) == first);
  CHECK(daemon.running());
}
