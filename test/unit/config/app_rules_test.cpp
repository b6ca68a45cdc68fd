// Rules between the keys of one app, and the forms in which a key may be written.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

using test::app_of;
using test::errors_of;
using Strings = std::vector<std::string>;

namespace {

std::string app(const std::string& keys) {
  return "[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n" + keys + "\n";
}

std::string command(const std::string& toml) {
  return "[app.web]\nlisten = \"127.0.0.1:8080\"\ncommand = " + toml + "\n";
}

Strings one(const std::string& error) {
  return {"/etc/gv.toml:" + error};
}

}  // namespace

TEST_CASE("command: a list is taken as it is, a string is split into words") {
  auto words = [](const std::string& toml) { return test::config_of(command(toml)).apps.front().command; };
  CHECK(words(R"(["a b", "&&", "$X", "~"])") == Strings{"a b", "&&", "$X", "~"});
  CHECK(words(R"("sh -c 'a && b > $F'")") == Strings{"sh", "-c", "a && b > $F"});
  CHECK(words(R"("server --port {port} '{{}}'")") == Strings{"server", "--port", "{port}", "{{}}"});
}

TEST_CASE("command: what only a shell understands gets the hint that there is none") {
  const std::string at = "3:11: app.web.command: ";
  CHECK(errors_of(command(R"("a && b")")) ==
        one(at + R"("&&" means nothing here, as there is no shell: quote it, or use sh -c '...')"));
  CHECK(
      errors_of(command(R"("a --port $PORT")")) ==
      one(at +
          R"("$PORT" means nothing here, as there is no shell: use {port} and other placeholders, or sh -c )"
          "'...'"));
  CHECK(errors_of(command(R"("~/bin/a")")) ==
        one(at + R"("~" means nothing here, as there is no shell: write the whole path)"));
  CHECK(errors_of(command(R"(["~/bin/a"])")) ==
        one(at + R"("~" is not expanded, as there is no shell: write the whole path)"));
  CHECK(errors_of(command(R"("A=1 server")")) ==
        one(at + R"("A=1" means nothing here, as there is no shell: set variables in environment)"));
  for (const char* text : {"a | b", "a ; b", "a > b", "a < b", "a & "}) {
    CAPTURE(text);
    auto errors = errors_of(command(R"(")" + std::string(text) + R"(")"));
    REQUIRE(errors.size() == 1);
    CHECK(errors.front().find("there is no shell") != std::string::npos);
  }
}

TEST_CASE("command: it must be there, be readable and have a program") {
  CHECK(errors_of("[app.web]\nlisten = \"127.0.0.1:8080\"\n") == one("1:6: app.web: an app needs a command"));
  CHECK(errors_of(command(R"("")")) == one("3:11: app.web.command: the command is empty"));
  CHECK(errors_of(command("[]")) == one("3:11: app.web.command: the command is empty"));
  CHECK(errors_of(command(R"(["", "a"])")) == one("3:11: app.web.command: the command is empty"));
  CHECK(errors_of(command(R"("a 'b")")) == one("3:11: app.web.command: the quote ' is not closed"));
}

TEST_CASE("placeholders: misspelt ones are found in commands and environments") {
  CHECK(errors_of(command(R"(["a", "{directroy}/x"])")) ==
        one(R"(3:17: app.web.command[1]: unknown placeholder "{directroy}" (did you mean "{directory}"?))"));
  CHECK(errors_of(app(R"(environment = { URL = "http://x:{prt}" })")) ==
        one(R"(4:23: app.web.environment.URL: unknown placeholder "{prt}" (did you mean "{port}"?))"));
  CHECK(errors_of(command(R"("awk '{print}'")")).size() == 1);
  CHECK(errors_of(app(R"(environment.JSON = '{"a":1')")) ==
        one(R"(4:20: app.web.environment.JSON: a lone "{" in "{\"a\":1": write "{{" for the brace )"
            "itself"));
  CHECK(app_of(R"(environment.JSON = '{{"a":1}}')").environment.at("JSON") == R"({{"a":1}})");
}

TEST_CASE("deploy: an instance must be able to be healthy within its timeout") {
  const std::string worker = "[app.job]\ncommand = \"job\"\nendpoint = \"none\"\n";
  CHECK(errors_of(worker + "deploy = { timeout = \"2s\", settle = \"3s\" }\n") ==
        one("4:22: app.job.deploy.timeout: is 2s, and no instance can be healthy before deploy.settle, 3s"));
  CHECK(errors_of(worker + "deploy.timeout = \"5s\"\n") ==
        one("4:18: app.job.deploy.timeout: is 5s, and no instance can be healthy before deploy.settle, 5s"));
  CHECK(errors_of(worker + "deploy.settle = \"2m\"\n") ==
        one("4:17: app.job.deploy.timeout: is 60s, and no instance can be healthy before deploy.settle, 2m"));
  CHECK(errors_of(worker + "deploy.timeout = \"6s\"\n").empty());
  // Only apps without an endpoint settle.
  CHECK(errors_of(app("deploy.settle = \"2m\"")).empty());
  CHECK(errors_of(app("deploy.timeout = \"100ms\"")).empty());
  CHECK(errors_of(app("health = { interval = \"10s\", healthy_after = 7 }")) ==
        one("4:46: app.web.deploy.timeout: is 60s, and no instance can be healthy before "
            "health.healthy_after, 7 "
            "passed probes 10s apart"));
  CHECK(errors_of(app("health = { interval = \"10s\", healthy_after = 6 }")).empty());
}

TEST_CASE("environment: names are checked, values kept") {
  CHECK(app_of(R"(environment = { A = "1", "B.c" = "" })").environment ==
        std::map<std::string, std::string>{{"A", "1"}, {"B.c", ""}});
  for (const char* name : {R"("")", R"("A=B")", R"("A B")", R"("A\n")"}) {
    CAPTURE(name);
    CHECK(errors_of(app("environment = { " + std::string(name) + R"( = "x" })")).size() == 1);
  }
}

TEST_CASE("paths: relative ones are taken from the folder of the file that says them") {
  App app = app_of(
      "directory = \"../srv/./web\"\nenvironment_file = [\"/etc/web.env\", \"?local.env\"]\n"
      "log.stdout = \"./web.log\"\n");
  CHECK(app.directory == "/srv/web");
  REQUIRE(app.environment_file.size() == 2);
  CHECK(app.environment_file[0].path == "/etc/web.env");
  CHECK_FALSE(app.environment_file[0].optional);
  CHECK(app.environment_file[1].path == "/etc/local.env");
  CHECK(app.environment_file[1].optional);
  CHECK(app.log.out == "/etc/web.log");
  CHECK(app_of(R"(environment_file = "one.env")").environment_file.size() == 1);
  CHECK(errors_of(::gracevisor::config::app(R"(directory = "~/web")")) ==
        one(R"(4:13: app.web.directory: "~" is not expanded, as there is no shell: write the whole path)"));
  CHECK(errors_of(::gracevisor::config::app(R"(directory = "")")) ==
        one(R"(4:13: app.web.directory: expected a path, found "")"));
  CHECK(errors_of(::gracevisor::config::app(R"(environment_file = "?")")).size() == 1);
}

TEST_CASE("health: the short forms are a path and tcp") {
  CHECK_FALSE(app_of("").health.path_given);
  App by_path = app_of(R"(health = "/up?full=1")");
  CHECK(by_path.health.path == "/up?full=1");
  CHECK(by_path.health.path_given);
  CHECK(by_path.health.kind == Health::Kind::http);
  CHECK(app_of(R"(health = "tcp")").health.kind == Health::Kind::tcp);
  for (const char* text :
       {R"("up")", R"("http")", R"("")", R"("/a b")", R"("/a#b")", R"("/\r\nX: y")", R"("//\u0001")"}) {
    CAPTURE(text);
    CHECK(errors_of(app("health = " + std::string(text))).size() == 1);
  }
}

TEST_CASE("health: the table") {
  Health health =
      app_of(
          "[app.web.health]\npath = \"/up\"\nexpect = \"200,204\"\ninterval = \"1s\"\ntimeout = "
          "\"500ms\"\nstart_timeout = \"3s\"\nhealthy_after = 2\nunhealthy_after = 5\naction = "
          "\"unroute\"\nhost = \"Example.com\"\nproto = \"https\"\nheaders = { B = \"2\", A = \"1\" }\n")
          .health;
  CHECK(health.path == "/up");
  CHECK(health.expect == std::vector<StatusRange>{{200, 200}, {204, 204}});
  CHECK(health.interval == Millis(1000));
  CHECK(health.timeout == Millis(500));
  CHECK(health.start_timeout == Millis(3000));
  CHECK(health.healthy_after == 2);
  CHECK(health.unhealthy_after == 5);
  CHECK(health.action == Health::Action::unroute);
  CHECK(health.host == "example.com");
  CHECK(health.proto == "https");
  CHECK(health.headers == std::vector<std::pair<std::string, std::string>>{{"B", "2"}, {"A", "1"}});
  CHECK_FALSE(app_of("[app.web.health]\ninterval = \"1s\"").health.path_given);
  CHECK(app_of("[app.web.health]\nexpect = \"200\"").health.path_given);
  CHECK(app_of("[app.web.health]\ntype = \"tcp\"\ninterval = \"1s\"").health.kind == Health::Kind::tcp);
}

TEST_CASE("health: a TCP check takes no HTTP keys, and a probe's own headers cannot be set") {
  CHECK(errors_of(app("[app.web.health]\ntype = \"tcp\"\npath = \"/x\"")) ==
        one(R"(6:1: app.web.health.path: has no meaning with type = "tcp")"));
  CHECK(errors_of(app(R"(health.headers = { Host = "x" })")) ==
        one("4:20: app.web.health.headers.Host: the health check sets this header itself (see host and "
            "proto)"));
  CHECK(errors_of(app(R"(health.headers = { "Content-Length" = "5" })")).size() == 1);
  CHECK(errors_of(app(R"(health.headers = { "A B" = "5" })")).size() == 1);
  CHECK(errors_of(app(R"(health.headers = { A = "x\r\nB: y" })")).size() == 1);
  CHECK(errors_of(app(R"(health.host = "a/b")")).size() == 1);
  CHECK(errors_of(app(R"(health.host = "*.example.com")")).size() == 1);
  CHECK(errors_of(app(R"(health.expect = "2xx")")).size() == 1);
}

TEST_CASE("stop: one signal with a timeout, or a ladder") {
  Stop one_signal = app_of(R"(stop = { signal = "SIGINT", timeout = "5s", scope = "main" })").stop;
  REQUIRE(one_signal.ladder.size() == 1);
  CHECK(one_signal.ladder[0].signal == SIGINT);
  CHECK(one_signal.ladder[0].wait == Millis(5000));
  CHECK(one_signal.scope == Stop::Scope::main);

  Stop ladder = app_of(R"(stop = { signal = ["TSTP:60s", "TERM"], timeout = "20s" })").stop;
  REQUIRE(ladder.ladder.size() == 2);
  CHECK(ladder.ladder[0].signal == SIGTSTP);
  CHECK(ladder.ladder[0].wait == Millis(60000));
  CHECK(ladder.ladder[1].signal == SIGTERM);
  CHECK(ladder.ladder[1].wait == Millis(20000));

  Stop short_form = app_of(R"(stop = { signal = "QUIT:5s" })").stop;
  CHECK(short_form.ladder[0].wait == Millis(5000));
  CHECK(app_of("stop.timeout = 0").stop.ladder[0].wait == Millis(0));
}

TEST_CASE("stop: ladders are checked") {
  CHECK(errors_of(app("stop.signal = []")) ==
        one("4:15: app.web.stop.signal: expected 1 to 16 signals, found 0"));
  CHECK(errors_of(app(R"(stop.signal = ["TERM:x"])")).size() == 1);
  CHECK(errors_of(app(R"(stop.signal = ["TERM:"])")).size() == 1);
  CHECK(errors_of(app(R"(stop.signal = ["TERM:48h"])")).size() == 1);
  CHECK(errors_of(app(R"(stop.signal = [""])")).size() == 1);
  CHECK(errors_of(app(R"(stop.signal = "STOP")")).size() == 1);
  CHECK(test::warnings_of(app(R"(stop = { signal = ["TERM:5s"], timeout = "9s" })")) ==
        one("4:32: app.web.stop.timeout: has no effect, as each signal has a time of its own"));
}

TEST_CASE("routes: the short form, a list and the long form mean the same") {
  std::vector<Route> expected{{"example.com", "/api", {}}, {"", "/static", {}}};
  CHECK(app_of(R"(route = ["Example.com/api/", "/static"])").routes == expected);
  CHECK(app_of("[[app.web.routes]]\nhost = \"example.com\"\npath = \"/api\"\n[[app.web.routes]]\npath = "
               "\"/static/\"\n")
            .routes == expected);
  CHECK(app_of(R"(route = "*.example.com")").routes == std::vector<Route>{{"*.example.com", "/", {}}});
}

TEST_CASE("routes: both forms together, or the same route twice, are errors") {
  CHECK(errors_of(app("route = \"a.com\"\n[[app.web.routes]]\nhost = \"b.com\"")) ==
        one("5:1: app.web.routes: route is its short form: give one of the two"));
  CHECK(errors_of(app(R"(route = ["a.com/x", "A.com/x/"])")) ==
        one("4:21: app.web.route: the same route twice"));
  CHECK(errors_of(app("[[app.web.routes]]\n")) == one("4:1: app.web.routes[0]: a route needs host or path"));
  CHECK(errors_of(app("[[app.web.routes]]\nhots = \"a.com\"")) ==
        one(R"(5:1: app.web.routes[0].hots: unknown key (did you mean "host"?))"));
  CHECK(errors_of(app(R"(routes = { host = "a.com" })")).size() == 1);
}

TEST_CASE("endpoint: an app without one is a worker, with no routes and no port") {
  Config config = test::config_of("[app.jobs]\ncommand = \"worker {slot}\"\nendpoint = \"none\"\n");
  CHECK(config.apps.front().endpoint == EndpointKind::none);
  CHECK(config.apps.front().routes.empty());
  CHECK(shutdown_timeout(config.daemon, {&config.apps.front()}) == Millis(40000));
  auto worker = [](const std::string& keys) {
    return "[app.jobs]\ncommand = \"worker\"\nendpoint = \"none\"\n" + keys + "\n";
  };
  CHECK(test::warnings_of(worker("")).empty());
  const std::string why = R"(: has no meaning with endpoint = "none": such an app is not routed)";
  CHECK(errors_of(worker(R"(listen = "127.0.0.1:80")")) == one("4:1: app.jobs.listen" + why));
  CHECK(errors_of(worker(R"(route = "a.com")")) == one("4:1: app.jobs.route" + why));
  CHECK(errors_of(worker("[[app.jobs.routes]]\nhost = \"a.com\"")) == one("4:12: app.jobs.routes" + why));
  CHECK(errors_of(worker(R"(health = "/x")")) == one("4:1: app.jobs.health" + why));
  CHECK(errors_of(worker(R"(environment.P = "{port}")")) ==
        one(R"(4:17: app.jobs.environment.P: "{port}" has no value with endpoint = "none")"));
  CHECK(errors_of("[app.jobs]\ncommand = \"worker {port}\"\nendpoint = \"none\"\n") ==
        one(R"(2:11: app.jobs.command: "{port}" has no value with endpoint = "none")"));
  CHECK(errors_of("[app.jobs]\ncommand = \"worker {socket}\"\nendpoint = \"none\"\n") ==
        one(R"(2:11: app.jobs.command: "{socket}" has no value with endpoint = "none")"));
}

TEST_CASE("endpoint: an app at a Unix socket has {socket} instead of {port}, and the other way round") {
  for (const char* kind : {"socket", "fd"}) {
    CAPTURE(kind);
    std::string endpoint = "endpoint = \"" + std::string(kind) + "\"\n";
    App app_at = test::app_of(endpoint + R"(environment.S = "unix:{socket}")");
    CHECK(is_routed(app_at.endpoint));
    CHECK(is_unix(app_at.endpoint));
    CHECK(app_at.routes == std::vector<Route>{{"", "/", {}}});
    CHECK(errors_of(app(endpoint + R"(environment.P = "{port}")")) ==
          one(R"(5:17: app.web.environment.P: "{port}" has no value with endpoint = ")" + std::string(kind) +
              R"(": write "{socket}")"));
  }
  CHECK(errors_of(app(R"(environment.S = "{socket}")")) ==
        one(R"(4:17: app.web.environment.S: "{socket}" has no value with endpoint = "port": write "{port}", )"
            R"(or endpoint = "socket")"));
}

TEST_CASE("endpoint: connecting proves nothing where the daemon itself listens") {
  const std::string why =
      R"("tcp" proves nothing with endpoint = "fd", as a connection waits in the daemon's socket even while )"
      R"(the app boots: give a path such as "/health")";
  CHECK(errors_of(app("endpoint = \"fd\"\nhealth = \"tcp\"")) == one("5:10: app.web.health: " + why));
  CHECK(errors_of(app("endpoint = \"fd\"\n[app.web.health]\ntype = \"tcp\"")) ==
        one("6:8: app.web.health: " + why));
  CHECK(errors_of(app("endpoint = \"socket\"\nhealth = \"tcp\"")).empty());
  CHECK(errors_of(app("endpoint = \"fd\"\nhealth = \"/up\"")).empty());
}

TEST_CASE("endpoint: a socket path that the system cannot take is refused with what to shorten") {
  auto at = [](std::size_t folder, const char* kind) {
    return "[daemon]\nruntime_dir = \"/" + std::string(folder - 1, 'r') +
           "\"\n[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\nendpoint = \"" + kind + "\"\n";
  };
  // "/apps/web/999999/1-999999.sock" and "/apps/web/999999/1.sock" come behind it.
  CHECK(errors_of(at(77, "socket")).empty());
  CHECK(
      errors_of(at(78, "socket")) ==
      one("6:12: app.web.endpoint: the path of an instance's socket may become 108 bytes long (/" +
          std::string(77, 'r') +
          "/apps/web/999999/1-999999.sock), and the system's limit is 107: shorten daemon.runtime_dir or the "
          "app's name by 1"));
  CHECK(errors_of(at(84, "fd")).empty());
  CHECK(errors_of(at(85, "fd")).size() == 1);
  CHECK(errors_of(at(200, "port")).empty());
}

TEST_CASE("endpoint: sockets take no port of the range") {
  CHECK(errors_of("[daemon]\nport_range = \"20000-20001\"\n[app.web]\ncommand = \"a\"\nlisten = "
                  "\"127.0.0.1:8080\"\ninstances = 9\nendpoint = \"socket\"\n")
            .empty());
}

}  // namespace gracevisor::config
