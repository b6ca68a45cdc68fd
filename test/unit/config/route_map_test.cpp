// The map that --check prints.
#include "config/route_map.h"

#include "loading.h"

namespace gracevisor::config {

using Strings = std::vector<std::string>;

namespace {

Strings map_of(std::string_view text) {
  return route_map(test::config_of(text));
}

constexpr const char* kTwoListeners = R"(
[listen.public]
address = ["127.0.0.1:8080", "unix:/run/x.sock"]
default = "site"
[listen.admin]
address = "127.0.0.1:9"
)";

}  // namespace

TEST_CASE("map: each listener with its addresses, hosts and paths, and who is behind them") {
  CHECK(map_of(std::string(kTwoListeners) + R"(
[app.web]
command = "a"
listen = "public"
route = "example.com/api"
[app.site]
command = "a"
listen = ["public", "admin"]
[app.broker]
command = "a"
listen = "0.0.0.0:1883"
proxy = "tcp"
[app.beat]
command = "a"
endpoint = "none"
[app.mail]
command = "a"
endpoint = "none"
[app.lost]
command = "a"
)") == Strings{"public  127.0.0.1:8080    example.com/api  web",
               "        unix:/run/x.sock  *                site",
               "admin   127.0.0.1:9       *                site",
               "-       0.0.0.0:1883      (tcp)            broker", "workers without a listener: beat, mail",
               "reachable nowhere: lost"});
}

TEST_CASE("map: routes stand in the order in which the proxy decides") {
  CHECK(map_of(R"(
[app.a]
command = "a"
listen = "127.0.0.1:80"
route = ["/static", "*.example.com", "b.example.com", "example.com", "example.com/long/path", "example.com/long"]
[app.b]
command = "a"
listen = "127.0.0.1:80"
route = ["*", "*.eu.example.com/x", "*.eu.example.com", "b.example.com/first"]
)") == Strings{"-  127.0.0.1:80  b.example.com/first    b", "                 b.example.com          a",
               "                 example.com/long/path  a", "                 example.com/long       a",
               "                 example.com            a", "                 *.eu.example.com/x     b",
               "                 *.eu.example.com       b", "                 *.example.com          a",
               "                 /static                a", "                 *                      b"});
}

TEST_CASE("map: a default app takes what no route names") {
  const std::string listener = "[listen.p]\naddress = \"127.0.0.1:80\"\ndefault = \"a\"\n";
  CHECK(map_of(listener + "[app.a]\ncommand = \"a\"\n") == Strings{"p  127.0.0.1:80  (any other)  a"});
  CHECK(map_of("[listen.p]\naddress = \"127.0.0.1:80\"\n[listen.q]\naddress = \"127.0.0.1:81\"\n"
               "[app.a]\ncommand = \"a\"\nlisten = \"p\"\n") ==
        Strings{"p  127.0.0.1:80  *         a", "q  127.0.0.1:81  (no app)"});
}

TEST_CASE("map: a byte that a terminal would obey is escaped") {
  const Strings lines = map_of("[app.a]\ncommand = \"a\"\nlisten = \"unix:/run/\\u001B[2J.sock\"\n");
  REQUIRE(lines.size() == 1);
  CHECK(lines.front() == R"(-  "unix:/run/\u001B[2J.sock"  *  a)");
}

TEST_CASE("map: apps and listeners are counted, own addresses too") {
  CHECK(counts_text(test::config_of("")) == "0 apps, 0 listeners");
  CHECK(counts_text(test::config_of("[app.a]\ncommand = \"a\"\nlisten = \"127.0.0.1:80\"\n")) ==
        "1 app, 1 listener");
}

TEST_CASE("listeners: one that no app uses is a warning") {
  const std::string listener = "[listen.p]\naddress = \"127.0.0.1:80\"\n";
  CHECK(test::warnings_of(listener) ==
        Strings{"/etc/gv.toml:1:9: listen.p: no app listens here: it stays closed"});
  CHECK(test::warnings_of(listener + "[app.a]\ncommand = \"a\"\nlisten = \"p\"\n").empty());
}

TEST_CASE("listeners: an address within the range of instances is a warning where it would collide") {
  const auto warned = [](const std::string& address, const std::string& more = "") {
    return test::warnings_of("[daemon]\nport_range = \"5000-5099\"\n[app.a]\ncommand = \"a\"\nlisten = \"" +
                             address + "\"\n" + more);
  };
  for (const char* address : {"127.0.0.1:5000", "0.0.0.0:5099", "*:5050"}) {
    CAPTURE(address);
    CHECK(warned(address) ==
          Strings{"/etc/gv.toml:5:10: app.a.listen: " + std::string(address) +
                  " lies in daemon.port_range (5000-5099), where instances listen: take a port outside"});
  }
  for (const char* address : {"127.0.0.1:4999", "127.0.0.1:5100", "[::1]:5050", "192.0.2.1:5050"}) {
    CAPTURE(address);
    CHECK(warned(address).empty());
  }
  CHECK(warned("127.0.0.1:5000", "endpoint = \"socket\"\n").empty());
}

TEST_CASE("places: every key of every table is found, and elements of lists") {
  auto loaded = load_text(
      "[app.a]\ncommand = \"x\"\nlisten = \"127.0.0.1:80\"\n"
      "environment_file = [\"?a\",\n  \"?b\"]\nhealth.path = \"/\"\n",
      "/etc/gv.toml", test::ordinary());
  REQUIRE(loaded.has_value());
  CHECK(loaded->config.places.find("app.a.command")->line == 2);
  CHECK(loaded->config.places.find("app.a.environment_file[1]")->line == 5);
  CHECK(loaded->config.places.find("app.a.health.path")->column == 15);
  CHECK(loaded->config.places.find("app.a.user") == nullptr);
}

TEST_CASE("include: a glob without a match is told by a check and is no warning at the start") {
  test::Folder folder;
  const std::string file = folder.write("main.toml", "include = [\"conf.d/*.toml\"]\n");
  auto loaded = load(file, test::ordinary());
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  CHECK(test::lines(loaded->absences) ==
        Strings{file + ":1:1: no [app.NAME] is defined: nothing would run",
                file + ":1:12: include: no file matches \"" + folder.path("conf.d/*.toml") + "\""});
}

TEST_CASE("users: a check by an ordinary user warns of what only root could start") {
  DaemonUser checker = test::ordinary();
  checker.checks = true;
  const std::string text = "[app.a]\ncommand = \"x\"\nlisten = \"127.0.0.1:80\"\nuser = \"www-data\"\n";
  CHECK(test::warnings_of(text, checker) == Strings{"/etc/gv.toml:4:8: app.a.user: a daemon of ada could not "
                                                    "start an app as \"www-data\": only root can"});
  CHECK(test::errors_of(text).size() == 1);
}

}  // namespace gracevisor::config
