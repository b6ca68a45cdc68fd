// What is said about files and keys of other supervisors.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "loading.h"

using gracevisor::config::test::errors_of;

TEST_CASE("foreign: a file of another supervisor is named as such") {
  struct Row {
    std::string text;
    std::string kind;
  };
  const Row rows[] = {
      {"; x\n[program:web]\ncommand=a\n", "a supervisord file"},
      {"{\n  \"apps\": []\n}\n", "a PM2 file"},
      {"module.exports = {\n", "a PM2 file"},
      {"# x\nweb: a $PORT\nworker: b\n", "a Procfile"},
      {"[Unit]\nDescription=x\n[Service]\nExecStart=/a\n", "a systemd unit"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    auto errors = errors_of(row.text);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].ends_with(": this looks like " + row.kind + ": gracevisord --import /etc/gv.toml"));
  }
  CHECK(errors_of("[app.web]\ncommand = = 1\n")[0].find("looks like") == std::string::npos);
}

TEST_CASE("foreign: a string without quotes is shown with them") {
  auto hint = [](const std::string& line) { return errors_of("[app.web]\n" + line + "\n")[0]; };
  CHECK(
      hint("command = gunicorn -b :80 # x").ends_with(R"(; put it in quotes: command = "gunicorn -b :80")"));
  CHECK(hint("directory = /srv").ends_with(R"(; put it in quotes: directory = "/srv")"));
  CHECK(hint("listen = 0.0.0.0:80").ends_with(R"(; put it in quotes: listen = "0.0.0.0:80")"));
  CHECK(hint("user = a\x1b").find('\x1b') == std::string::npos);
  // What may be a secret is not repeated.
  for (const char* text :
       {"environment.TOKEN = s3cret", "environment.token = s3cret", "TOKEN = s3cret",
        "[app.web.environment]\ntoken = s3cret", "[app.web.proxy_options.request_headers]\nset.x = s3cret"}) {
    CHECK(hint(text).find("s3cret") == std::string::npos);
    CHECK(hint(text).ends_with(" = \"…\""));
  }
  CHECK(hint("[app.web.environment]\nA = \"b\"\n[app.two]\nuser = nobody").ends_with(R"(user = "nobody")"));
  CHECK(hint("command = \"a").find("put it in quotes") == std::string::npos);
  CHECK(hint("command = = 1").find("put it in quotes") == std::string::npos);
}

TEST_CASE("foreign: keys of other supervisors are answered with ours") {
  auto errors = errors_of(
      "[app.web]\ncommand = \"a\"\nautorestart = true\nstopwaitsecs = 3\nWorkingDirectory = \"/x\"\ncomand = "
      "\"b\"\n"
      "[app.web.restart]\nmax_restarts = 3\n[listen.x]\naddress = \":80\"\nport = 80\n");
  const std::vector<std::string> expected = {
      "/etc/gv.toml:3:1: app.web.autorestart: unknown key (here it is app.web.restart.policy)",
      "/etc/gv.toml:4:1: app.web.stopwaitsecs: unknown key (here it is app.web.stop.timeout)",
      "/etc/gv.toml:5:1: app.web.WorkingDirectory: unknown key (here it is app.web.directory)",
      "/etc/gv.toml:6:1: app.web.comand: unknown key (did you mean \"command\"?)",
      "/etc/gv.toml:8:1: app.web.restart.max_restarts: unknown key (here it is app.web.restart.max_failures)",
      "/etc/gv.toml:11:1: listen.x.port: unknown key (here it is listen.x.address)"};
  for (const std::string& line : expected) {
    CAPTURE(line);
    CHECK(std::ranges::find(errors, line) != errors.end());
  }
}
