// Each diagnostic once, with its place and its words.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

namespace {

struct Case {
  std::string text;   // a whole file
  std::string error;  // the only error: "LINE:COLUMN: TEXT"
};

void check(const std::vector<Case>& cases, const DaemonUser& user = test::ordinary()) {
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(test::errors_of(c.text, user) == std::vector<std::string>{"/etc/gv.toml:" + c.error});
  }
}

// A valid app, then `keys` from line 4 on.
std::string app(const std::string& keys) {
  return "[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n" + keys + "\n";
}

}  // namespace

TEST_CASE("diagnostics: an unknown key is named with the nearest known one") {
  check(
      {{app(R"(helth = "/x")"), R"(4:1: app.web.helth: unknown key (did you mean "health"?))"},
       {app("[app.web.deploy]\nguard_intervall = \"1s\""),
        R"(5:1: app.web.deploy.guard_intervall: unknown key (did you mean "guard_interval"?))"},
       {"[apps.web]\n", R"(1:2: apps: unknown key (did you mean "app"?))"},
       {"[daemon]\nworker = 2\n", R"(2:1: daemon.worker: unknown key (did you mean "workers"?))"},
       {"[daemon]\nlog = { levl = \"info\" }\n",
        R"(2:9: daemon.log.levl: unknown key (did you mean "level"?))"},
       {"[listen.a]\naddress = \"*:80\"\naddresses = []\n",
        R"(3:1: listen.a.addresses: unknown key (did you mean "address"?))"},
       {app("[app.web.restart]\ncolour = 1"),
        "5:1: app.web.restart.colour: unknown key (known here: policy, success_exit_codes, backoff, "
        "backoff_max, stable_after, "
        "max_failures, retry_fatal)"},
       {app(R"("a\u001Bb" = 1)"),
        R"(4:1: app.web."a\u001Bb": unknown key (known here: command, directory, environment, )"
        "environment_file, user, umask, supplementary_groups, no_new_privileges, capabilities, private_tmp, "
        "read_only, instances, autostart, endpoint, listen, route, routes, proxy, exclusive, "
        "health, deploy, restart, stop, limits, log, proxy_options)"}});
}

TEST_CASE("diagnostics: a wrong type says what is expected and what was found") {
  check(
      {{app("health = { timeout = 10 }"),
        R"(4:22: app.web.health.timeout: expected a duration such as "10s", found integer)"},
       {app(R"(instances = "2")"), "4:13: app.web.instances: expected an integer, found string"},
       {app("instances = 2.0"), "4:13: app.web.instances: expected an integer, found float"},
       {app(R"(autostart = "yes")"), "4:13: app.web.autostart: expected true or false, found string"},
       {app("log = { max_size = 5 }"),
        R"(4:20: app.web.log.max_size: expected a size such as "50MiB", found integer)"},
       {app("environment = []"),
        R"(4:15: app.web.environment: expected a table such as { RAILS_ENV = "production" }, found array)"},
       {app("environment = { N = 5 }"),
        "4:21: app.web.environment.N: expected a string (numbers too are written in quotes), found integer"},
       {app("directory = 1979-05-27"), "4:13: app.web.directory: expected a path, found date"},
       {app("health = true"),
        R"(4:10: app.web.health: expected a path such as "/health", "tcp" or a table, found boolean)"},
       {app(R"(deploy = "fast")"), "4:10: app.web.deploy: expected a table, found string"},
       {app("[app.web.stop]\nsignal = 15"),
        R"(5:10: app.web.stop.signal: expected a signal such as "TERM" or a list such as ["INT:60s", )"
        R"("TERM:30s"], found integer)"},
       {"[app.web]\ncommand = 5\nlisten = \"127.0.0.1:80\"\n",
        "2:11: app.web.command: expected a command as a list of strings or as one string, found integer"},
       {"[app.web]\ncommand = [\"a\", 5]\nlisten = \"127.0.0.1:80\"\n",
        "2:17: app.web.command[1]: expected a string, found integer"},
       {"app = 5\n", "1:7: app: expected tables such as [app.NAME], found integer"},
       {"app.web = 5\n", "1:11: app.web: expected a table, found integer"},
       {"daemon = []\n", "1:10: daemon: expected a table, found array"},
       {"[daemon]\nworkers = \"many\"\n",
        R"(2:11: daemon.workers: expected "auto" or an integer, found string)"},
       {"include = 5\n", "1:11: include: expected a path or a list of paths, found integer"},
       {app(R"(directory = "a\u0000b")"), "4:13: app.web.directory: a NUL character is not allowed"}});
}

TEST_CASE("diagnostics: a value out of range says the range") {
  check(
      {{app("instances = 0"), "4:13: app.web.instances: 0 is out of range (allowed: 1 to 1000)"},
       {app("instances = -3"), "4:13: app.web.instances: -3 is out of range (allowed: 1 to 1000)"},
       {app(R"(deploy.timeout = "25h")"),
        "4:18: app.web.deploy.timeout: 25h is out of range (allowed: 10ms to 1d)"},
       {app("deploy.timeout = 0"), "4:18: app.web.deploy.timeout: 0s is out of range (allowed: 10ms to 1d)"},
       {app(R"(log.on_full = "blok")"),
        R"(4:15: app.web.log.on_full: unknown value "blok" (did you mean "block"?); expected one of "drop", )"
        R"("block")"},
       {app(R"(log.max_size = "1B")"),
        "4:16: app.web.log.max_size: 1B is out of range (allowed: 1KiB to 1TiB)"},
       {"[daemon]\nworkers = 0\n", "2:11: daemon.workers: 0 is out of range (allowed: 1 to 256)"},
       {app(R"(deploy.timeout = "1 minute")"),
        R"(4:18: app.web.deploy.timeout: expected a duration such as "10s", "500ms" or "1h30m", found )"
        R"("1 )"
        R"(minute")"},
       {app(R"(restart = { backoff = "1m" })"),
        "4:23: app.web.restart.backoff: is longer than backoff_max"}});
}

TEST_CASE("diagnostics: an unknown word says the choices and the nearest") {
  check(
      {{app(R"(health.action = "reroute")"),
        R"(4:17: app.web.health.action: unknown value "reroute" (did you mean "unroute"?); expected one of )"
        R"("unroute", "restart")"},
       {app(R"(restart.policy = "sometimes")"),
        R"(4:18: app.web.restart.policy: unknown value "sometimes"; expected one of "always", )"
        R"("on-failure", "on-abnormal", )"
        R"("never")"},
       {app(R"(stop.scope = "groups")"),
        R"(4:14: app.web.stop.scope: unknown value "groups" (did you mean "group"?); expected one of )"
        R"("group", )"
        R"("main")"},
       {"[daemon]\nlog.level = \"warn\"\n",
        R"(2:13: daemon.log.level: unknown value "warn" (did you mean "warning"?); expected one of )"
        R"("debug", )"
        R"("info", "warning", "error")"},
       {app(R"(stop.signal = "TREM")"),
        R"(4:15: app.web.stop.signal: unknown signal "TREM" (did you mean "TERM"?))"},
       {app(R"(log.stderr = "sdtout")"),
        R"(4:14: app.web.log.stderr: "sdtout" is no file's path (write "./sdtout" for a file beside this )"
        R"(one); did you mean "stdout"?)"}});
}

TEST_CASE("diagnostics: a sink of lines needs a place that there can be") {
  const std::string udp =
      R"(expected an address and a port, such as "syslog:udp://192.0.2.1:514" or "syslog:udp://[::1]:514")"
      " (no name: it would have to be looked up again and again)";
  const std::string path = "expected a socket's absolute path behind the colon";
  const auto out = [](const std::string& value, const std::string& why) {
    return Case{app("log.stdout = \"" + value + "\""), "4:14: app.web.log.stdout: \"" + value + "\": " + why};
  };
  check(
      {out("syslog:", path),
       out("journal:", path),
       out("journal:run/socket", path),
       out("syslog:/dev/", path),
       out("syslog:udp://logs.example.org:514", udp),
       out("syslog:udp://192.0.2.1", udp),
       out("syslog:udp://192.0.2.1:0", udp),
       out("syslog:udp://*:514", udp),
       out("syslog:udp://unix:/a", udp),
       out("journal:udp://192.0.2.1:514", "journald takes nothing by UDP"),
       {app("log.stdout = \"syslog:/a/" + std::string(81, 'x') + "\""),
        "4:14: app.web.log.stdout: \"syslog:/a/" + std::string(70, 'x') +
            "...\": the socket's name is longer than 80 bytes"},
       {"[daemon]\nlog.file = \"journal:udp://192.0.2.1:514\"\n" + app(""),
        "2:12: daemon.log.file: \"journal:udp://192.0.2.1:514\": journald takes nothing by UDP"},
       {app(R"(log.stderr = "jornal")"),
        R"(4:14: app.web.log.stderr: "jornal" is no file's path (write "./jornal" for a file beside this one); )"
        R"(did you mean "journal"?)"}});
}

TEST_CASE("diagnostics: what a later version brings is refused by name") {
  auto later = [](const std::string& value) { return value + ": not supported by this version"; };
  check({{app("exclusive = true"), later("4:13: app.web.exclusive")},
         {app(R"(deploy.strategy = "rolling")"), later(R"(4:19: app.web.deploy.strategy: "rolling")")},
         {app(R"(deploy.strategy = "replace")"), later(R"(4:19: app.web.deploy.strategy: "replace")")},
         {app(R"(deploy.keep_previous = "1h")"), later(R"(4:24: app.web.deploy.keep_previous: "1h")")},
         {"[listen.a]\naddress = \"*:80\"\ntls = { cert = \"a\" }\n", later("3:7: listen.a.tls")},
         {"[listen.a]\naddress = \"*:80\"\nredirect = \"https\"\n",
          later(R"(3:12: listen.a.redirect: "https")")}});
}

TEST_CASE("diagnostics: the only supported value may be spelled out") {
  for (const char* keys : {R"(proxy = "http")", "exclusive = false", R"(deploy.strategy = "blue-green")",
                           R"(deploy.upgraded = "close")", "deploy.keep_previous = 0", "limits = {}",
                           R"(endpoint = "port")", R"(log.stderr = "stdout")", R"(log.stdout = "")"}) {
    CAPTURE(keys);
    CHECK(test::errors_of(app(keys)).empty());
  }
  CHECK(test::errors_of("[listen.a]\naddress = \"*:80\"\nproxy_protocol = false\n").empty());
}

TEST_CASE("diagnostics: one syntax error of a file is reported with its place") {
  auto errors = test::errors_of("[app.web]\ncommand = \n");
  REQUIRE(errors.size() == 1);
  CHECK(errors.front().starts_with("/etc/gv.toml:2:"));
  CHECK(errors.front().find('\n') == std::string::npos);
  // The short and the long form of health cannot stand together in TOML itself.
  errors = test::errors_of(app("health = \"/x\"\n[app.web.health]\ninterval = \"1s\""));
  REQUIRE(errors.size() == 1);
  CHECK(errors.front().starts_with("/etc/gv.toml:5:"));
  CHECK(test::errors_of("[app.web]\ncommand = \"a\"\n[app.web]\n").size() == 1);
  CHECK(test::errors_of("\xff\xfe").size() == 1);
}

TEST_CASE("diagnostics: all errors come at once, sorted by position") {
  CHECK(test::errors_of("[app.web]\n"
                        "command = \"run {prot}\"\n"
                        "listen = \"pubic\"\n"
                        "instances = 0\n"
                        "[app.web.health]\n"
                        "interval = 5\n"
                        "[listen.public]\n"
                        "address = \"*:80\"\n"
                        "defualt = \"web\"\n") ==
        std::vector<std::string>{
            R"(/etc/gv.toml:2:11: app.web.command: unknown placeholder "{prot}" (did you mean "{port}"?))",
            R"(/etc/gv.toml:3:10: app.web.listen: there is no listener "pubic" (did you mean "public"?))",
            "/etc/gv.toml:4:13: app.web.instances: 0 is out of range (allowed: 1 to 1000)",
            R"(/etc/gv.toml:6:12: app.web.health.interval: expected a duration such as "10s", found integer)",
            R"(/etc/gv.toml:9:1: listen.public.defualt: unknown key (did you mean "default"?))"});
}

TEST_CASE("diagnostics: a flood of errors is counted, not kept") {
  std::string text = app("");
  for (int i = 0; i < 3000; ++i) text += "unknown" + std::to_string(i) + " = 1\n";
  auto errors = test::errors_of(text);
  REQUIRE(errors.size() == 1001);
  CHECK(errors.back().ends_with("2000 more findings are not shown"));
}

}  // namespace gracevisor::config
