// Rules between apps, listeners and the daemon.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

using test::config_of;
using test::errors_of;
using test::warnings_of;
using Strings = std::vector<std::string>;

namespace {

Strings one(const std::string& error) {
  return {"/etc/gv.toml:" + error};
}

std::string two_listeners(const std::string& first, const std::string& second) {
  return "[listen.a]\naddress = \"" + first + "\"\n[listen.b]\naddress = \"" + second + "\"\n";
}

}  // namespace

TEST_CASE("listeners: a table has addresses, a default app and trusted proxies") {
  Config config = config_of(
      "[listen.public]\naddress = [\"127.0.0.1:80\", \"[::1]:80\", \"unix:/run/x.sock\"]\ndefault = "
      "\"web\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n[app.web]\ncommand = \"a\"\nlisten = "
      "\"public\"\n");
  REQUIRE(config.listeners.size() == 1);
  const Listener& listener = config.listeners.front();
  CHECK(listener.name == "public");
  CHECK(listener.addresses.size() == 3);
  CHECK(listener.default_app == "web");
  REQUIRE(listener.trusted_proxies.size() == 2);
  CHECK(listener.trusted_proxies[0].prefix == 8);
  CHECK(listener.source.line == 1);
  CHECK(config.apps.front().listen == Strings{"public"});
}

TEST_CASE("listeners: a wrong table is refused") {
  CHECK(errors_of("[listen.a]\n") ==
        one(R"(1:9: listen.a: a listener needs an address, such as address = "*:80")"));
  CHECK(errors_of("[listen.a]\naddress = []\n") ==
        one(R"(2:11: listen.a: a listener needs an address, such as address = "*:80")"));
  CHECK(errors_of("[listen.a]\naddress = [\"*:80\", \"80\"]\n") ==
        one(R"(2:20: listen.a.address[1]: "80" is no address: write "127.0.0.1:80", "[::1]:80", "*:80" )"
            "or "
            R"("unix:/path")"));
  CHECK(errors_of("[listen.a]\naddress = \"unix:x.sock\"\n") ==
        one("2:11: listen.a.address: the path of a Unix socket must be absolute"));
  CHECK(errors_of("[listen.a]\naddress = \"*:80\"\ntrusted_proxies = \"10.0.0.0/40\"\n").size() == 1);
  CHECK(errors_of("[listen.a]\naddress = \"*:80\"\ndefault = \"web\"\n") ==
        one(R"(3:11: listen.a.default: there is no app "web")"));
  CHECK(errors_of("[listen.a]\naddress = \"*:80\"\ndefault = \"wbe\"\n[app.web]\ncommand = \"a\"\nlisten = "
                  "\"a\"\n") ==
        one(R"(3:11: listen.a.default: there is no app "wbe" (did you mean "web"?))"));
  CHECK(
      errors_of("[listen.a]\naddress = \"*:80\"\ndefault = \"jobs\"\n[app.jobs]\ncommand = \"a\"\nendpoint = "
                "\"none\"\n") == one(R"(3:11: listen.a.default: app.jobs has endpoint = "none")"));
}

TEST_CASE("listeners: addresses that cannot be listened on together are refused") {
  struct Pair {
    const char* first;
    const char* second;
  };
  for (Pair p : std::vector<Pair>{{"127.0.0.1:80", "127.0.0.1:80"},
                                  {"*:80", "0.0.0.0:80"},
                                  {"*:80", "[::]:80"},
                                  {"*:80", "127.0.0.1:80"},
                                  {"0.0.0.0:80", "127.0.0.1:80"},
                                  {"[::]:80", "[::1]:80"},
                                  {"[::1]:80", "[0:0::1]:80"},
                                  {"127.0.0.1:80", "*:80"},
                                  {"unix:/run/x", "unix:/run/x"}}) {
    CAPTURE(p.first);
    CAPTURE(p.second);
    auto errors = errors_of(two_listeners(p.first, p.second));
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().starts_with("/etc/gv.toml:4:11: listen.b.address: "));
    CHECK(errors.front().ends_with("at /etc/gv.toml:2:11"));
  }
  for (Pair p : std::vector<Pair>{{"127.0.0.1:80", "127.0.0.2:80"},
                                  {"*:80", "*:81"},
                                  {"0.0.0.0:80", "[::]:80"},
                                  {"127.0.0.1:80", "[::]:80"},
                                  {"unix:/run/x", "unix:/run/y"},
                                  {"127.0.0.1:0", "127.0.0.1:0"},
                                  {"unix:/run/x", "*:80"}}) {
    CAPTURE(p.first);
    CAPTURE(p.second);
    CHECK(errors_of(two_listeners(p.first, p.second)).empty());
  }
  CHECK(errors_of("[listen.a]\naddress = [\"*:80\", \"0.0.0.0:80\"]\n").size() == 1);
}

TEST_CASE("listen: a name, an address, or a list of either") {
  Config config = config_of(
      "[listen.public]\naddress = \"*:80\"\n[app.web]\ncommand = \"a\"\nlisten = [\"public\", "
      "\"127.0.0.1:8080\"]\n"
      "[app.api]\ncommand = \"a\"\nlisten = \"127.0.0.1:8080\"\nroute = \"/api\"\n");
  CHECK(config.apps[0].listen == Strings{"public", "127.0.0.1:8080"});
  CHECK(config.apps[1].listen == Strings{"127.0.0.1:8080"});
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[1].name == "127.0.0.1:8080");
  CHECK(config.listeners[1].source.line == 5);
}

TEST_CASE("listen: a wrong name or address is refused") {
  auto web = [](const std::string& listen) {
    return "[app.web]\ncommand = \"a\"\nlisten = " + listen + "\n";
  };
  CHECK(errors_of(web(R"("public")")) == one(R"(3:10: app.web.listen: there is no listener "public" (an )"
                                             R"(address has a port: "127.0.0.1:8080"))"));
  CHECK(errors_of(web(R"(["127.0.0.1:80", "localhost:81"])")) ==
        one(R"(3:27: app.web.listen: "localhost:81" is no address: write "127.0.0.1:80", "[::1]:80", )"
            R"("*:80" or )"
            R"("unix:/path")"));
  CHECK(errors_of(web(R"("unix:x")")) ==
        one("3:10: app.web.listen: the path of a Unix socket must be absolute"));
  CHECK(errors_of(web(R"(["127.0.0.1:80", "127.0.0.1:80"])")) ==
        one(R"(3:11: app.web.listen: "127.0.0.1:80" is given twice)"));
  CHECK(errors_of(
            "[listen.public]\naddress = \"0.0.0.0:80\"\n[app.web]\ncommand = \"a\"\nlisten = \"*:80\"\n") ==
        one(R"(5:10: app.web.listen: "*:80" is already listened on by listen.public (0.0.0.0:80) at )"
            R"(/etc/gv.toml:2:11: write listen = "public" to share it)"));
}

TEST_CASE("listen: without it an app is reachable nowhere, which is allowed with a warning") {
  CHECK(warnings_of("[app.web]\ncommand = \"a\"\n") ==
        one("1:6: app.web: is reachable nowhere, as listen is not set (a worker process has endpoint = "
            R"("none"))"));
  CHECK(
      warnings_of("[listen.a]\naddress = \"*:80\"\ndefault = \"web\"\n[app.web]\ncommand = \"a\"\n").empty());
}

TEST_CASE("routes: the same one of two apps on one listener names both places") {
  auto apps = [](const std::string& first, const std::string& second) {
    return "[listen.p]\naddress = \"*:80\"\n[listen.q]\naddress = \"*:81\"\n[app.a]\ncommand = \"a\"\n" +
           first + "\n[app.b]\ncommand = \"b\"\n" + second + "\n";
  };
  CHECK(errors_of(apps("listen = \"p\"\nroute = \"x.com/api\"",
                       "listen = [\"q\", \"p\"]\nroute = \"X.com/api/\"")) ==
        one(R"(12:9: app.b.route: "x.com/api" on p belongs to app.a already, at /etc/gv.toml:8:9)"));
  CHECK(errors_of(apps(R"(listen = "p")", R"(listen = "p")")) ==
        one("8:6: app.b.route: every host and path on p belongs to app.a already, at /etc/gv.toml:5:6: give "
            "one of "
            "them a route"));
  CHECK(errors_of(apps(R"(listen = "p")", R"(listen = "q")")).empty());
  CHECK(errors_of(apps("listen = \"p\"\nroute = \"/api\"", "listen = \"p\"\nroute = \"/apix\"")).empty());
  CHECK(errors_of(apps(R"(listen = "127.0.0.1:90")", R"(listen = "127.0.0.1:90")")).size() == 1);
}

TEST_CASE("names: letters, digits, hyphen and underscore") {
  auto named = [](const std::string& name) {
    return "[app." + name + "]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\n";
  };
  for (const std::string& name :
       {std::string("a"), std::string("Web-2_x"), std::string("9"), std::string(63, 'x')}) {
    CAPTURE(name);
    CHECK(errors_of(named(name)).empty());
  }
  for (const std::string& name :
       {std::string("-a"), std::string("_a"), std::string(R"("a.b")"), std::string(R"("")"),
        std::string(R"("a/b")"), std::string(R"("../x")"), std::string(64, 'x'), std::string("all")}) {
    CAPTURE(name);
    CHECK(errors_of(named(name)).size() == 1);
  }
  CHECK(errors_of("[listen.\"a b\"]\naddress = \"*:80\"\n") ==
        one(R"(1:9: listen."a b": a name has 1 to 63 letters, digits, "-" and "_", and begins with a )"
            "letter or "
            "digit"));
}

TEST_CASE("ports: a range that is too small for the instances") {
  auto with = [](const std::string& range, int instances) {
    return "[daemon]\nport_range = \"" + range +
           "\"\n[app.web]\ncommand = \"a\"\nlisten = \"*:80\"\ninstances = " + std::to_string(instances) +
           "\n";
  };
  CHECK(warnings_of(with("20000-20007", 4)).empty());
  CHECK(warnings_of(with("20000-20006", 4)) == one("2:14: daemon.port_range: 7 ports are too few to deploy "
                                                   "all 4 instances at once, as the old ones run "
                                                   "beside the new ones"));
  CHECK(errors_of(with("20000-20002", 4)) ==
        one("2:14: daemon.port_range: 3 ports are too few for 4 instances"));
  CHECK(errors_of(with("20000", 1)) ==
        one("2:14: daemon.port_range: expected a range of ports from 1 to 65535 such "
            R"(as "20000-29999", found "20000")"));
}

TEST_CASE("logs: a file has one writer") {
  auto apps = [](const std::string& first, const std::string& second) {
    return "[app.a]\ncommand = \"a\"\nendpoint = \"none\"\n" + first +
           "\n[app.b]\ncommand = \"b\"\nendpoint = \"none\"\n" + second + "\n";
  };
  CHECK(errors_of(apps(R"(log.stdout = "/l/x.log")", R"(log.stdout = "/l/./x.log")")) ==
        one(R"(8:14: app.b.log.stdout: "/l/x.log" is written by app.a.log.stdout already at )"
            "/etc/gv.toml:4:14"));
  CHECK(errors_of(apps(R"(log = { stdout = "/l/x.log", stderr = "/l/x.log" })", "")).size() == 1);
  CHECK(errors_of("[daemon]\nlog.file = \"/l/d.log\"\n" + apps(R"(log.stderr = "/l/d.log")", "")).size() ==
        1);
  CHECK(errors_of("[daemon]\nstate_dir = \"/s\"\n" + apps(R"(log.stdout = "/s/log/b.log")", "")).size() == 1);
  CHECK(errors_of(
            apps(R"(log.stdout = "/dev/null")", R"(log = { stdout = "/dev/null", stderr = "/dev/null" })"))
            .empty());
  CHECK(errors_of(apps(R"(log.stdout = "inherit")", R"(log = { stdout = "inherit", stderr = "inherit" })"))
            .empty());
}

TEST_CASE("users: only root can start an app as another user") {
  auto as = [](const std::string& user) {
    return "[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\nuser = \"" + user + "\"\n";
  };
  CHECK(errors_of(as("www-data")) ==
        one(R"(4:8: app.web.user: the daemon runs as ada, and only root can start an app as "www-data")"));
  CHECK(errors_of(as("ada:wheel")).size() == 1);
  for (const char* user : {"ada", "ada:staff", "1000", "1000:1000"}) {
    CAPTURE(user);
    CHECK(config_of(as(user)).apps.front().user == user);
  }
  CHECK(config_of(as("www-data:www-data"), root_user()).apps.front().user == "www-data:www-data");
  for (const char* user : {"", ":", "a:", ":a", "a b", "-x", "a:b:c"}) {
    CAPTURE(user);
    CHECK(errors_of(as(user), root_user()).size() == 1);
  }
}

TEST_CASE("users: the apps of a root daemon without a user are one warning") {
  std::string text = "[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\n";
  CHECK(warnings_of(text, root_user()) == one("1:6: 1 app runs as root (web): set user"));
  CHECK(warnings_of(text + "user = \"root\"\n", root_user()).empty());
  CHECK(warnings_of(text).empty());
  std::string many = text + "user = \"ada\"\n";
  for (int i = 1; i <= 12; ++i) {
    many += "[app.w" + std::to_string(i) + "]\ncommand = \"a\"\nendpoint = \"none\"\n";
  }
  CHECK(warnings_of(many, root_user()) ==
        one("5:6: 12 apps run as root (w1, w2, w3, w4, w5, w6, w7, w8, w9, w10 and 2 more): set user"));
}

TEST_CASE("daemon: every key") {
  Daemon daemon = config_of(
                      "[daemon]\nworkers = 3\nruntime_dir = \"/r\"\nstate_dir = \"s\"\nport_range = "
                      "\"5000-5999\"\nshutdown_timeout = \"2m\"\nupgrade_drain_timeout = "
                      "\"7d\"\nmax_starts = 7\noperator_group = \"ops\"\nlog = { file = "
                      "\"/l\", level = \"debug\", max_size = \"1MiB\", keep = 2 }\n")
                      .daemon;
  CHECK(daemon.workers == 3);
  CHECK(daemon.runtime_dir == "/r");
  CHECK(daemon.state_dir == "/etc/s");
  CHECK(daemon.port_range.first == base::Port(5000));
  CHECK(daemon.shutdown_timeout == Millis(120000));
  CHECK(daemon.upgrade_drain_timeout == std::chrono::days(7));
  CHECK(daemon.max_starts == 7U);
  CHECK(daemon.operator_group == "ops");
  CHECK(daemon.log.file == "/l");
  CHECK(daemon.log.level == base::LogLevel::debug);
  CHECK(daemon.log.max_size == 1048576);
  CHECK(daemon.log.keep == 2);
  CHECK(config_of("[daemon.log]\nlevel = \"error\"\n").daemon.log.level == base::LogLevel::error);
  CHECK(errors_of("[daemon]\noperator_group = \"a b\"\n").size() == 1);
  CHECK(config_of("").daemon.upgrade_drain_timeout == Millis(0));
  CHECK(config_of("[daemon]\nupgrade_drain_timeout = \"0\"\n").daemon.upgrade_drain_timeout == Millis(0));
  CHECK(errors_of("[daemon]\nupgrade_drain_timeout = \"31d\"\n").size() == 1);
  CHECK(errors_of("[daemon]\nupgrade_drain_timeout = \"auto\"\n").size() == 1);
  CHECK_FALSE(config_of("").daemon.max_starts);
  CHECK_FALSE(config_of("[daemon]\nmax_starts = \"auto\"\n").daemon.max_starts);
  for (const char* bad : {"0", "-1", "10001", "\"4\"", "\"none\"", "2.5", "[4]"}) {
    CHECK(errors_of(std::string("[daemon]\nmax_starts = ") + bad + "\n").size() == 1);
  }
}

}  // namespace gracevisor::config
