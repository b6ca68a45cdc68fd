// gvctl reload and SIGHUP: the files as a whole, put into force.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using namespace std::chrono_literals;

namespace {

std::string worker(const std::string& name, const std::string& more = "") {
  return "[app." + name +
         "]\ncommand = \"/bin/sleep 1000\"\nendpoint = \"none\"\ndeploy.settle = \"10ms\"\n" + more;
}

// The [daemon] table of the site, with another number of workers.
std::string table_with_workers(const Site& site, int workers) {
  std::string table = site.daemon_table();
  const auto at = table.find("workers = ");
  return table.replace(at, table.find('\n', at) - at, "workers = " + std::to_string(workers));
}

CommandResult reload(const DaemonProcess& daemon, std::vector<std::string> options = {}) {
  options.insert(options.begin(), "reload");
  return daemon.ctl(options);
}

}  // namespace

TEST_CASE("reload: nothing differs, nothing is done") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto pids = daemon.pids("web");
  CommandResult result = reload(daemon);
  CHECK(result.exit_code == 0);
  CHECK(result.out == "done: nothing differs\n");
  CHECK(daemon.pids("web") == pids);
}

TEST_CASE("reload: what the files are warned of at a start is in the log, too") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(named_app("web", "@LISTEN@") + "[listen.spare]\naddress = \"@LISTEN1@\"\n");
  const auto warned = [&] {
    return daemon.log().find("listen.spare: no app listens here") != std::string::npos;
  };
  CHECK(reload(daemon, {"--dry-run"}).exit_code == 0);
  CHECK_FALSE(warned());
  CHECK(reload(daemon).exit_code == 0);
  CHECK(wait_until(warned, 5s));
}

TEST_CASE("reload: settings and the number of instances change under the processes that run") {
  Site site;
  site.configure(named_app("web", "@LISTEN@", "instances = 2\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 2));
  const auto before = daemon.pids("web");
  Request big;
  big.method = "POST";
  big.body = std::string(2000, 'x');
  CHECK(fetch(site.listener(), big)->status == 200);
  site.configure(named_app("web", "@LISTEN@", "instances = 3\nproxy_options.max_body = \"1KiB\"\n"));
  CommandResult result = reload(daemon);
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "web      at once  instances, proxy_options.max_body\n"));
  CHECK(has(result.out, "done: 1 changed at once\n"));
  REQUIRE(daemon.wait_healthy("web", 3));
  auto after = daemon.pids("web");
  for (pid_t pid : before) CHECK(std::ranges::find(after, pid) != after.end());
  CHECK(daemon.app("web")->generation == 1);
  CHECK(fetch(site.listener(), big)->status == 413);

  site.configure(named_app("web", "@LISTEN@", "instances = 1\n"));
  CHECK(reload(daemon).exit_code == 0);
  CHECK(wait_until([&] { return daemon.app("web")->instances.size() == 1; }));
  CHECK(daemon.pids("web").front() == before.front());
  CHECK(fetch(site.listener(), big)->status == 200);
  // What is in force is what a new daemon starts.
  CHECK(daemon.terminate().exit_code == 0);
  DaemonProcess again(site);
  REQUIRE(again.wait_healthy("web", 1));
  CHECK(again.app("web")->wanted == 1);
  CHECK(test::texts(again.app("web")->problems).empty());
}

TEST_CASE("reload: a dry run says what would be done and changes nothing") {
  Site site;
  site.configure(public_listener(0) + named_app("web", "public") + named_app("gone", "@LISTEN2@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("gone", 1));
  const auto before = daemon.pids("web");
  site.configure_whole(table_with_workers(site, 7) + site.expand(public_listener(1)) +
                       site.expand(named_app("web", "public", "environment.A = \"b\"\ninstances = 2\n") +
                                   named_app("fresh", "@LISTEN3@")));
  CommandResult result = reload(daemon, {"--dry-run", "--remove"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "web      deploy   environment.A, instances, listen.public.address\n"));
  CHECK(has(result.out, "gone     remove   no longer in the files\n"));
  CHECK(has(result.out, "fresh    start    new\n"));
  CHECK(has(result.out, "daemon   later    workers: needs a restart of the daemon\n"));
  CHECK(has(result.out, "done: nothing was changed\n"));
  CHECK(has(reload(daemon, {"--dry-run"}).out,
            "gone     leave    no longer in the files; --remove drains and stops it\n"));
  CHECK(daemon.pids("web") == before);
  CHECK_FALSE(daemon.app("fresh").has_value());
  CHECK(daemon.app("gone")->healthy == 1);
  CHECK(refuses(site.listener(1)));
  CHECK(refuses(site.listener(3)));
}

TEST_CASE("reload: files with a mistake change nothing and every mistake is named") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  const auto before = daemon.pids("web");
  site.configure(named_app("web", "@LISTEN1@", "instances = 0\n") +
                 named_app("b", "@LISTEN2@", "no_such_key = 1\n"));
  CommandResult bad = reload(daemon);
  CHECK(bad.exit_code == 2);
  CHECK(has(bad.err, "has errors; nothing was changed"));
  CHECK(has(bad.err, "app.web.instances"));
  CHECK(has(bad.err, "app.b.no_such_key"));

  site.configure(named_app("web", "@LISTEN1@") +
                 "[app.b]\ncommand = \"/no/such/program\"\nlisten = \"@LISTEN2@\"\n"
                 "[app.c]\ncommand = \"/no/other/program\"\nlisten = \"@LISTEN3@\"\n");
  CommandResult impossible = reload(daemon);
  INFO(describe(impossible));
  CHECK(impossible.exit_code == 9);
  CHECK(has(impossible.err, "app.b.command: /no/such/program: No such file or directory"));
  CHECK(has(impossible.err, "app.c.command: /no/other/program: No such file or directory"));
  CHECK(daemon.pids("web") == before);
  CHECK(status_at(site.listener()) == 200);
  CHECK(refuses(site.listener(1)));
  CHECK(reload(daemon, {"nothing"}).exit_code == 4);
}

TEST_CASE("reload: under load a listener moves, apps are changed, added and removed, and no request fails") {
  Site site;
  site.configure(public_listener(0) + named_app("web", "public", host_route("web.test")) +
                 named_app("moved", "public", host_route("moved.test")) +
                 named_app("plain", "public", host_route("plain.test")) + named_app("own", "@LISTEN2@"));
  DaemonProcess daemon(site);
  for (const char* name : {"web", "moved", "plain", "own"}) REQUIRE(daemon.wait_healthy(name, 1));
  LoadGenerator web(site.listener(0), to_host("web.test"), 2);
  LoadGenerator moved(site.listener(0), to_host("moved.test"), 2);
  LoadGenerator own(site.listener(2), to_host("any"), 2);
  REQUIRE(wait_until([&] { return web.so_far().ok > 50 && moved.so_far().ok > 50 && own.so_far().ok > 50; }));
  // web is deployed; "moved.test" goes from `moved` to the new app; own changes at once; `moved` is removed.
  site.configure(public_listener(0) +
                 named_app("web", "public", host_route("web.test") + "environment.A = \"b\"\n") +
                 named_app("fresh", "public", host_route("moved.test")) +
                 named_app("plain", "public", host_route("plain.test") + "instances = 2\n") +
                 named_app("own", "@LISTEN2@", "proxy_options.max_body = \"1MiB\"\n"));
  CommandResult result = reload(daemon, {"--remove"});
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "moved    remove   no longer in the files, once fresh serves its routes\n"));
  CHECK(has(result.out, "done: 1 deployed, 1 removed, 2 changed at once, 1 started\n"));
  for (LoadGenerator* load : {&web, &moved, &own}) {
    LoadResult seen = load->stop();
    INFO(describe(seen));
    CHECK(seen.failed() == 0);
    CHECK(seen.connections == 2);
  }
  CHECK(served_by(site.listener(0), "moved.test") == "fresh");
  CHECK_FALSE(daemon.app("moved").has_value());

  // And the listener itself.
  LoadGenerator there(site.listener(1), to_host("web.test"), 0);
  site.configure(public_listener(1) +
                 named_app("web", "public", host_route("web.test") + "environment.A = \"b\"\n") +
                 named_app("fresh", "public", host_route("moved.test")) +
                 named_app("plain", "public", host_route("plain.test") + "instances = 2\n") +
                 named_app("own", "@LISTEN2@", "proxy_options.max_body = \"1MiB\"\n"));
  auto client = HttpConnection::connect(site.listener(0));
  REQUIRE(client.has_value());
  CHECK(client->exchange(to_host("web.test"))->status == 200);
  CommandResult move = reload(daemon);
  CHECK(move.exit_code == 0);
  CHECK(has(move.out, "public   listener " + site.listener(0).text() + " -> " + site.listener(1).text() +
                          " (web, plain, fresh)\n"));
  CHECK(served_by(site.listener(1), "web.test") == "web");
  CHECK(served_by(site.listener(1), "moved.test") == "fresh");
  CHECK(wait_until([&] { return refuses(site.listener(0)); }));
  auto last = client->exchange(to_host("web.test"));
  REQUIRE(last.has_value());
  CHECK(last->status == 200);
  CHECK(last->header("Connection") == "close");
}

TEST_CASE("reload: of 200 apps with one changed only that one's process changes") {
  Site site;
  std::string others;
  for (int i = 0; i < 199; ++i) others += worker("w" + std::to_string(i));
  site.configure(others + worker("last"));
  DaemonProcess daemon(site);
  REQUIRE(wait_until(
      [&] {
        auto status = daemon.status();
        return status && std::ranges::all_of(status->apps, [](const auto& one) { return one.healthy == 1; });
      },
      std::chrono::seconds(60)));
  auto pids = [&] {
    std::map<std::string, int> result;
    const auto status = daemon.status();
    for (const auto& one : status->apps) result[one.name] = one.instances.front().pid;
    return result;
  };
  auto before = pids();
  REQUIRE(before.size() == 200);
  site.configure(others + worker("last", "environment.A = \"b\"\n"));
  CommandResult result = reload(daemon);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "done: 1 deployed\n"));
  auto after = pids();
  std::vector<std::string> changed;
  for (const auto& [name, pid] : after) {
    if (before[name] != pid) changed.push_back(name);
  }
  CHECK(changed == std::vector<std::string>{"last"});
}

TEST_CASE("reload: an app whose deploy fails stays as it was, and the others stand") {
  Site site;
  site.configure(named_app("good", "@LISTEN@") + named_app("bad", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("good", 1));
  REQUIRE(daemon.wait_healthy("bad", 1));
  const auto before = daemon.pids("bad");
  site.configure(named_app("good", "@LISTEN@", "environment.A = \"b\"\n") +
                 named_app("bad", "@LISTEN2@", "deploy.timeout = \"300ms\"\n", "/nothing"));
  CommandResult result = reload(daemon);
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 8);
  CHECK(has(result.out, "failed: 1 deployed, 1 failed\n"));
  CHECK(has(result.out, "bad      failed   "));
  CHECK(daemon.pids("bad") == before);
  CHECK(served_by(site.listener(1), "any") == "bad");
  CHECK(refuses(site.listener(2)));
  CHECK(daemon.app("good")->generation == 2);
}

TEST_CASE("reload: a stopped app stays stopped, and an app in a deploy is skipped and named") {
  Site site;
  site.configure(named_app("still", "@LISTEN@") + named_app("busy", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("still", 1));
  REQUIRE(daemon.wait_healthy("busy", 1));
  REQUIRE(daemon.ctl({"stop", "still"}).exit_code == 0);
  site.configure(named_app("still", "@LISTEN@") + named_app("busy", "@LISTEN1@", "", "/nothing"));
  REQUIRE(daemon.ctl({"deploy", "--no-wait", "busy"}).exit_code == 0);
  site.configure(named_app("still", "@LISTEN@", "instances = 2\n") +
                 named_app("busy", "@LISTEN1@", "instances = 3\n"));
  CommandResult result = reload(daemon);
  INFO(describe(result));
  CHECK(has(result.out, "busy     busy     a deploy or a stop is under way: reload again after it\n"));
  CHECK(has(result.out, "still    at once  instances\n"));
  CHECK(daemon.app("still")->state == "stopped");
  CHECK(reload(daemon, {"busy"}).exit_code == 5);
  REQUIRE(daemon.ctl({"abort", "busy"}).exit_code == 0);
  CHECK(reload(daemon).exit_code == 0);
  REQUIRE(daemon.wait_healthy("busy", 3));
  CHECK(daemon.ctl({"start", "still"}).exit_code == 0);
  CHECK(daemon.wait_healthy("still", 2));
}

TEST_CASE("reload: only the named apps, and a listener that others use too stays as it is") {
  Site site;
  site.configure(public_listener(0) + named_app("a", "public", host_route("a.test")) +
                 named_app("b", "public", host_route("b.test")));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("a", 1));
  REQUIRE(daemon.wait_healthy("b", 1));
  site.configure(public_listener(1) + named_app("a", "public", host_route("a.test") + "instances = 2\n") +
                 named_app("b", "public", host_route("b.test") + "instances = 2\n") +
                 named_app("fresh", "@LISTEN3@"));
  CommandResult result = reload(daemon, {"a"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, ": b uses it, too: name no apps\n"));
  CHECK(daemon.wait_healthy("a", 2));
  CHECK(daemon.app("b")->wanted == 1);
  CHECK_FALSE(daemon.app("fresh").has_value());
  CHECK(refuses(site.listener(1)));
  CHECK(served_by(site.listener(0), "a.test") == "a");
}

TEST_CASE("reload: SIGHUP does it, too, and the log says what was done and what was wrong") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure(named_app("web", "@LISTEN@", "instances = 2\n") + named_app("more", "@LISTEN1@"));
  daemon.signal(SIGHUP);
  CHECK(daemon.wait_healthy("web", 2));
  CHECK(daemon.wait_healthy("more", 1));
  CHECK(wait_until([&] { return has(daemon.log(), "reloaded exit=0 1 changed at once, 1 started"); }));
  CHECK(has(daemon.log(), R"(reload app=web what="at once" instances)"));
  site.configure(named_app("web", "@LISTEN@", "instances = 0\n"));
  daemon.signal(SIGHUP);
  CHECK(wait_until([&] { return has(daemon.log(), "app.web.instances: 0 is out of range"); }));
  CHECK(daemon.app("web")->healthy == 2);
  // Quotes within quotes are single ones.
  site.configure(named_app("web", "@LISTEN@", "log.format = \"prose\"\n"));
  daemon.signal(SIGHUP);
  CHECK(wait_until([&] { return has(daemon.log(), "unknown value 'prose'"); }));
  CHECK_FALSE(has(daemon.log(), "\\\""));
}

TEST_CASE("reload: what needs a restart of the daemon is counted at the end") {
  Site site;
  site.configure(named_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  site.configure_whole(table_with_workers(site, 7) +
                       site.expand(named_app("web", "@LISTEN@", "instances = 2\n")));
  const CommandResult both = reload(daemon);
  INFO(describe(both));
  CHECK(both.exit_code == 0);
  CHECK(has(both.out, "done: 1 changed at once, 1 needs a restart of the daemon\n"));
  CHECK(reload(daemon).out.ends_with("done: 1 needs a restart of the daemon\n"));
  CHECK(drift_of(daemon) ==
        std::vector<std::string>{
            "gracevisor.toml changed: [daemon] differs (workers): gvctl reload --dry-run"});
}

TEST_CASE("reload: an app that was removed and comes back counts its generations on") {
  Site site;
  site.configure(named_app("web", "@LISTEN@") + named_app("other", "@LISTEN1@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("other", 1));
  auto follower = daemon.ctl_beside({"logs", "-f", "web"});
  site.configure(named_app("other", "@LISTEN1@"));
  CHECK(reload(daemon).exit_code == 0);
  CHECK(has(daemon.ctl({"status", "web"}).out, " ago: web is gone: gvctl reload --dry-run"));
  CHECK(served_by(site.listener(0), "any") == "web");
  CommandResult removed = reload(daemon, {"--remove"});
  INFO(describe(removed) << daemon.log());
  CHECK(removed.exit_code == 0);
  CHECK(wait_until([&] { return !daemon.app("web").has_value(); }));
  CHECK(wait_until([&] { return refuses(site.listener(0)); }));
  CHECK(follower->wait().exit_code == 0);
  site.configure(named_app("web", "@LISTEN@") + named_app("other", "@LISTEN1@"));
  CHECK(reload(daemon).exit_code == 0);
  REQUIRE(daemon.wait_healthy("web", 1));
  CHECK(daemon.app("web")->generation == 2);
}

TEST_CASE("reload: log settings take effect without a new process") {
  Site site;
  auto ticking = [](const std::string& file) {
    return "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"while :; do echo tick; sleep 0.02; done\"]\n"
           "endpoint = \"none\"\ndeploy.settle = \"10ms\"\nlog.stdout = \"@DIR@/" +
           file + "\"\n";
  };
  site.configure(ticking("one.log"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("job", 1));
  const auto before = daemon.pids("job");
  site.configure(ticking("two.log"));
  CHECK(reload(daemon).exit_code == 0);
  CHECK(wait_until([&] {
    std::error_code error;
    return std::filesystem::file_size(site.directory() / "two.log", error) > 0 && !error;
  }));
  CHECK(daemon.pids("job") == before);
}
