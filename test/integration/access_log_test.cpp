// Access logs of the real daemon: lines in files, over deploys, rotations and signals.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

using Json = nlohmann::json;

// Every whole line of the file as it is now; what is no JSON object fails the test.
std::vector<Json> lines_of(const std::filesystem::path& file) {
  std::vector<Json> lines;
  std::string content = content_of(file);
  content.resize(content.rfind('\n') + 1);  // a line may be half written
  std::istringstream text(content);
  for (std::string line; std::getline(text, line);) {
    CAPTURE(line);
    lines.push_back(Json::parse(line, nullptr, false));
    REQUIRE(lines.back().is_object());
  }
  return lines;
}

std::vector<Json> wait_lines(const std::filesystem::path& file, std::size_t count) {
  CHECK(wait_until([&] { return lines_of(file).size() >= count; }));
  return lines_of(file);
}

std::string demo(const std::string& log) {
  return "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n[app.web.deploy]\nguard = \"0s\"\n"
         "[app.web.log]\n" +
         log;
}

Request get(const std::string& target) {
  Request request;
  request.target = target;
  request.headers = {{"User-Agent", "test \"agent\""}};
  return request;
}

}  // namespace

TEST_CASE("access log: a line for each request, whose generation changes with a deploy") {
  Site site;
  site.configure(demo("access = \"@DIR@/logs/web.access.log\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(fetch(site.listener(), get("/pid?x=1")).has_value());
  auto file = site.directory() / "logs" / "web.access.log";
  auto lines = wait_lines(file, 1);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["app"] == "web");
  CHECK(lines[0]["generation"] == 1);
  CHECK(lines[0]["instance"] == "1.1");
  CHECK(lines[0]["listener"] == site.listener().text());
  CHECK(lines[0]["client"] == "127.0.0.1");
  CHECK(lines[0]["target"] == "/pid?x=1");
  CHECK(lines[0]["status"] == 200);
  CHECK(lines[0]["user_agent"] == "test \"agent\"");
  CHECK(lines[0]["end"] == "done");

  CommandResult deploy = daemon.ctl({"deploy", "web"});
  REQUIRE_MESSAGE(deploy.exit_code == 0, describe(deploy));
  REQUIRE(fetch(site.listener(), get("/")).has_value());
  lines = wait_lines(file, 2);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1]["generation"] == 2);
  CHECK(lines[1]["instance"] == "2.1");
  // The probes of the health checks are no requests of clients.
  CHECK(lines_of(file).size() == 2);
}

TEST_CASE(
    "access log: a new configuration's log and form begin with the generation that was deployed with it") {
  Site site;
  site.configure(demo(""));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(fetch(site.listener(), get("/?unlogged")).has_value());
  site.configure(demo("access = \"@DIR@/web.access.log\"\naccess_format = \"combined\"\n"));
  REQUIRE(daemon.ctl({"deploy", "web"}).exit_code == 0);
  REQUIRE(fetch(site.listener(), get("/?logged")).has_value());
  auto file = site.directory() / "web.access.log";
  REQUIRE(wait_until([&] { return !content_of(file).empty(); }));
  std::string text = content_of(file);
  CHECK(text.starts_with("127.0.0.1 - - ["));
  CHECK(text.find("\"GET /?logged HTTP/1.1\" 200 ") != std::string::npos);
  CHECK(text.find("\"test \\x22agent\\x22\"\n") != std::string::npos);
  CHECK(text.find("?unlogged") == std::string::npos);
}

TEST_CASE("access log: a listener's log has what no app answers, and refused heads") {
  Site site;
  site.configure(
      "[listen.public]\naddress = \"@LISTEN@\"\naccess_log = \"@DIR@/public.log\"\n"
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"public\"\nroute = \"web.test\"\n"
      "log.access = \"@DIR@/web.log\"\n[app.quiet]\ncommand = \"@DEMO@\"\nlisten = \"public\"\nroute = "
      "\"quiet.test\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("quiet", 1));
  for (const char* host : {"unknown.test", "web.test", "quiet.test"}) {
    Request request = get("/");
    request.host = host;
    REQUIRE(fetch(site.listener(), request).has_value());
  }
  auto client = HttpConnection::connect(site.listener());
  REQUIRE(client.has_value());
  REQUIRE(client->send("GET / HTTP/1.1\r\nHost: a b\r\n\r\n").has_value());
  REQUIRE(client->read_response().has_value());
  REQUIRE(wait_lines(site.directory() / "web.log", 1).size() == 1);
  auto lines = wait_lines(site.directory() / "public.log", 3);
  REQUIRE(lines.size() == 3);
  auto line_with = [&](const std::string& key, const Json& value) {
    for (const Json& line : lines) {
      if (line.contains(key) && line[key] == value) return line;
    }
    return Json::object();
  };
  CHECK(line_with("host", "unknown.test")["status"] == 404);
  CHECK(line_with("app", "quiet")["status"] == 200);
  CHECK(line_with("end", "refused")["status"] == 400);
  CHECK(line_with("end", "refused")["listener"] == "public");
}

TEST_CASE("access log: files rotate as the app's output does, and no line is lost on the way or at the end") {
  Site site;
  site.configure(demo("access = \"@DIR@/web.log\"\nmax_size = \"2KiB\"\nkeep = 100\n"));
  constexpr std::size_t kRequests = 100;
  {
    DaemonProcess daemon(site);
    REQUIRE(daemon.wait_healthy("web", 1));
    auto client = HttpConnection::connect(site.listener());
    REQUIRE(client.has_value());
    for (std::size_t i = 0; i < kRequests; ++i) REQUIRE(client->get("/n" + std::to_string(i)).has_value());
    CHECK(daemon.terminate().exit_code == 0);
  }
  std::size_t number = 0;
  std::size_t files = 1;
  while (std::filesystem::exists(site.directory() / ("web.log." + std::to_string(files)))) ++files;
  CHECK(files > 2);
  for (std::size_t i = files; i-- > 0;) {
    auto file = site.directory() / (i == 0 ? "web.log" : "web.log." + std::to_string(i));
    CHECK(std::filesystem::file_size(file) <= 2048);
    for (const Json& line : lines_of(file)) CHECK(line["target"] == "/n" + std::to_string(number++));
  }
  CHECK(number == kRequests);
}

TEST_CASE("access log: SIGUSR1 opens a moved file anew") {
  Site site;
  site.configure(demo("access = \"@DIR@/web.log\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto file = site.directory() / "web.log";
  REQUIRE(fetch(site.listener(), get("/one")).has_value());
  REQUIRE(wait_lines(file, 1).size() == 1);
  std::filesystem::rename(file, site.directory() / "moved");
  daemon.signal(SIGUSR1);
  REQUIRE(wait_until([&] { return std::filesystem::exists(file); }));
  REQUIRE(fetch(site.listener(), get("/two")).has_value());
  auto lines = wait_lines(file, 1);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["target"] == "/two");
  CHECK(lines_of(site.directory() / "moved").size() == 1);
}

TEST_CASE("access log: inherit is the daemon's standard error") {
  Site site;
  site.configure(demo("access = \"inherit\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(fetch(site.listener(), get("/inherited")).has_value());
  CHECK(wait_until([&] { return daemon.log().find("\"target\":\"/inherited\"") != std::string::npos; }));
}
