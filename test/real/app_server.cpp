#include "real/app_server.h"

#include <doctest/doctest.h>

#include <csignal>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/load_generator.h"
#include "support/wait.h"

namespace gracevisor::test {
namespace {

constexpr std::chrono::seconds kBoot{30};  // of an interpreter, beside other tests
constexpr unsigned kClients = 4;

Request request(const std::string& method, const std::string& target, Headers headers = {}) {
  Request result;
  result.method = method;
  result.target = target;
  result.headers = std::move(headers);
  return result;
}

Response ask(HttpConnection& connection, const Request& wanted) {
  CAPTURE(wanted.method);
  CAPTURE(wanted.target);
  auto answer = connection.exchange(wanted);
  REQUIRE_MESSAGE(answer.has_value(), answer.error().what);
  return *answer;
}

void check_bodies(const AppServer& server, HttpConnection& connection) {
  std::string body;
  while (body.size() < 300'000) body += std::to_string(body.size()) + '\0';
  for (bool chunked : {false, true}) {
    CAPTURE(chunked);
    Request upload = request(server.puts ? "PUT" : "POST", server.puts ? "/files/upload" : "/echo");
    upload.chunked = chunked;
    upload.body = body;
    Response answer = ask(connection, upload);
    if (server.puts) {
      CHECK((answer.status == 201 || answer.status == 204));
      answer = ask(connection, request("GET", "/files/upload"));
    }
    CHECK(answer.status == 200);
    CHECK(answer.body == body);
  }
}

void check_requests(const AppServer& server, const Site& site) {
  auto opened = HttpConnection::connect(site.listener());
  REQUIRE(opened.has_value());
  HttpConnection& connection = *opened;
  Response get = ask(connection, request("GET", "/"));
  CHECK(get.status == 200);
  CHECK(get.body.starts_with("version v1 pid "));
  Response head = ask(connection, request("HEAD", "/"));
  CHECK(head.status == 200);
  CHECK(head.header("Content-Length") == get.header("Content-Length"));
  check_bodies(server, connection);
  CHECK(ask(connection, request("GET", "/none")).status == 204);
  auto tag = ask(connection, request("GET", server.tagged)).header("ETag");
  REQUIRE(tag.has_value());
  Response unchanged = ask(connection, request("GET", server.tagged, {{"If-None-Match", *tag}}));
  CHECK(unchanged.status == 304);
  CHECK(unchanged.header("ETag") == tag);
  if (server.keeps_connections) {
    // The first has to be whole for the second to find its connection: this client is one, and so is its
    // worker.
    std::string first = ask(connection, request("GET", "/connection")).body;
    CHECK(ask(connection, request("GET", "/connection")).body == first);
  }
  CHECK_FALSE(connection.closed_by_server());
}

// Under a load of GETs: all that may be lost is an answer that had begun (gunicorn sends head and body
// apart).
void check_kill(const Site& site, DaemonProcess& daemon) {
  LoadGenerator load(site.listener(), Request{}, kClients);
  pid_t victim = daemon.pids("web").at(0);
  REQUIRE(wait_until([&] { return load.so_far().ok > 20; }));
  REQUIRE(::kill(victim, SIGKILL) == 0);
  REQUIRE(wait_until(
      [&] {
        auto pids = daemon.pids("web");
        return pids.size() == 1 && pids.front() != victim;
      },
      kBoot));
  std::uint64_t before = load.so_far().ok;
  CHECK(wait_until([&] { return load.so_far().ok > before + 20; }));
  LoadResult result = load.stop();
  MESSAGE("kill -9: " << describe(result));
  INFO(daemon.log());
  CHECK(result.failed() <= kClients);
}

}  // namespace

// uwsgi loses a SIGTERM that comes within moments of its start: SIGKILL must not be half a minute away.
std::string table_of(const AppServer& server, const std::string& version) {
  return "[app.web]\n" + server.table + "listen = \"@LISTEN@\"\nenvironment = { VERSION = \"" + version +
         "\", PYTHONDONTWRITEBYTECODE = \"1\" }\n[app.web.deploy]\nguard = \"0s\"\nhold = "
         "\"60s\"\n[app.web.restart]\nbackoff = "
         "\"50ms\"\n[app.web.stop]\ntimeout = \"5s\"\n";
}

void check_serving(const AppServer& server) {
  if (!available(server.programs)) return;
  Site site;
  site.configure(table_of(server));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1, kBoot),
                  (daemon.ctl({"status"}).out + daemon.ctl({"logs", "web"}).out));
  check_requests(server, site);
  check_kill(site, daemon);
  CHECK(daemon.terminate().exit_code == 0);
}

void check_deploys(const AppServer& server) {
  if (!available(server.programs)) return;
  Site site;
  site.configure(table_of(server));
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("web", 1, kBoot),
                  (daemon.ctl({"status"}).out + daemon.ctl({"logs", "web"}).out));
  LoadGenerator gets(site.listener(), Request{}, kClients);
  Request upload = request(server.puts ? "PUT" : "POST", server.puts ? "/files/upload" : "/echo");
  upload.body = std::string(5000, 'b');
  LoadGenerator uploads(site.listener(), upload, 2);
  for (std::string version : {"v2", "v3"}) {
    REQUIRE(wait_until([&] { return uploads.so_far().ok > 20; }, kBoot));
    site.configure(table_of(server, version));
    CommandResult deploy = daemon.ctl({"deploy", "web"}, std::chrono::seconds(90));
    INFO(describe(deploy) << daemon.log());
    REQUIRE(deploy.exit_code == 0);
    CHECK(wait_until([&] { return gets.so_far().answers_with("version " + version + " ") > 20; }));
  }
  for (LoadGenerator* one : {&gets, &uploads}) {
    LoadResult result = one->stop();
    MESSAGE("deploys: " << describe(result));
    CHECK(result.failed() == 0);
  }
  CHECK(daemon.terminate().exit_code == 0);
}

}  // namespace gracevisor::test
