// E5: WebSockets through the proxy, with the server and the client of python3-websockets.
#include <doctest/doctest.h>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds kBoot{30};
constexpr std::chrono::seconds kDrain{2};

std::string echo_app(const std::string& deploy, std::chrono::seconds drain = kDrain,
                     const std::string& endpoint = "port") {
  return "[app.web]\ncommand = [\"@PYTHON@\", \"" + real_file("apps/websocket.py") + "\"]\nendpoint = \"" +
         endpoint +
         "\"\nlisten = \"@LISTEN@\"\nhealth = \"/health\"\n[app.web.deploy]\nguard = \"0s\"\ndrain_timeout = "
         "\"" +
         std::to_string(drain.count()) + "s\"\n" + deploy;
}

std::unique_ptr<Command> client(const Site& site, const std::vector<std::string>& arguments) {
  std::vector<std::string> line{GV_PYTHON, real_file("clients/websocket.py"), site.listener().text()};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return std::make_unique<Command>(line);
}

bool says(const Command& command, const std::string& what) {
  return wait_until([&] { return command.out().find(what) != std::string::npos; }, kBoot);
}

// How often a line stands in what the app wrote.
std::size_t written(const DaemonProcess& daemon, const std::string& line) {
  std::string log = daemon.ctl({"logs", "-n", "1000", "web"}).out;
  std::size_t times = 0;
  for (std::size_t at = log.find(line); at != std::string::npos; at = log.find(line, at + 1)) ++times;
  return times;
}

std::uint64_t in_flight(const DaemonProcess& daemon) {
  std::uint64_t sum = 0;
  auto app = daemon.app("web");
  if (!app) return sum;
  for (const control::InstanceStatus& instance : app->instances) sum += instance.in_flight;
  return sum;
}

bool live(const DaemonProcess& daemon, std::uint64_t generation) {
  auto app = daemon.app("web");
  return app && app->generation == generation;
}

void check_echo(const std::string& endpoint) {
  if (!available({"python3-websockets"})) return;
  Site site;
  site.configure(echo_app("", kDrain, endpoint));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kBoot));
  CommandResult result = client(site, {"echo"})->wait(kBoot);
  INFO(describe(result) << daemon.log());
  CHECK(result.exit_code == 0);
  CHECK(result.out == "echoed\n");
  CHECK(wait_until([&] { return written(daemon, "closed 1000") == 1; }));
  CHECK(daemon.terminate().exit_code == 0);
}

// A deploy while `count` sockets are open; each client gets 1012 and the app, which goes on to run, hears of
// each.
void check_close(const std::string& mode, unsigned count) {
  if (!available({"python3-websockets"})) return;
  Site site;
  site.configure(echo_app("upgraded = \"close\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kBoot));
  std::string number = std::to_string(count);
  auto sockets = client(site, {mode, number});
  REQUIRE(says(*sockets, "open\n"));
  REQUIRE(wait_until([&] { return in_flight(daemon) == count; }));
  CommandResult deploy = daemon.ctl({"deploy", "web"});
  INFO(describe(deploy) << daemon.log());
  CHECK(deploy.exit_code == 0);
  CHECK(deploy.out.find("(@1 has 0 in flight, " + number + " upgraded)") != std::string::npos);
  CHECK(deploy.out.find(": " + number + " finished, 0 cut") != std::string::npos);
  CommandResult result = sockets->wait(kBoot);
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(result.out == "open\nclosed 1012 " + number + "\n");
  CHECK(wait_until([&] { return written(daemon, "closed 1001") == count; }));
  CHECK(in_flight(daemon) == 0);
  CHECK(daemon.terminate().exit_code == 0);
}

}  // namespace

TEST_CASE("E5: a WebSocket echoes text, a megabyte, fragments and a ping") {
  check_echo("port");
}

TEST_CASE("E5: a WebSocket server at a Unix socket echoes as well") {
  check_echo("socket");
}

TEST_CASE("E5: at a deploy a WebSocket client sees 1012 and the app a close") {
  check_close("hold", 1);
}

TEST_CASE("E5: fifty WebSockets all get 1012 at a deploy") {
  check_close("hold", 50);
}

TEST_CASE("E5: WebSockets that send and receive without a pause get 1012 at a deploy") {
  check_close("busy", 20);
}

TEST_CASE("E5: with upgraded = now the clients see 1012 at the cutover itself") {
  if (!available({"python3-websockets"})) return;
  Site site;
  // With "close" they would be spread over half the drain window.
  site.configure(echo_app("upgraded = \"now\"\n", std::chrono::seconds(60)));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kBoot));
  auto sockets = client(site, {"hold", "3"});
  REQUIRE(says(*sockets, "open\n"));
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return live(daemon, 2); }, kBoot));
  auto cutover = Clock::now();
  CommandResult result = sockets->wait(kBoot);
  INFO(describe(result) << daemon.log());
  CHECK(result.out == "open\nclosed 1012 3\n");
  CHECK(Clock::now() - cutover < std::chrono::seconds(5));
  CHECK(deploy->wait(kBoot).exit_code == 0);
}

TEST_CASE("E5: with upgraded = wait a WebSocket survives the cutover and ends at the drain deadline") {
  if (!available({"python3-websockets"})) return;
  Site site;
  site.configure(echo_app("upgraded = \"wait\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kBoot));
  auto gate = site.directory() / "gate";
  auto sockets = client(site, {"hold", "2", gate});
  REQUIRE(says(*sockets, "open\n"));
  auto before = Clock::now();
  auto deploy = daemon.ctl_beside({"deploy", "web"});
  REQUIRE(wait_until([&] { return live(daemon, 2); }, kBoot));
  auto after = Clock::now();
  (void)site.files().write("gate", "");
  CHECK(says(*sockets, "again\n"));
  CHECK(in_flight(daemon) == 2);
  CommandResult result = sockets->wait(kBoot);
  INFO(describe(result) << daemon.log());
  CHECK(result.out == "open\nagain\nclosed 1012 2\n");
  CHECK(Clock::now() - before >= kDrain);
  CHECK(Clock::now() - after < kDrain + std::chrono::seconds(3));
  CommandResult receipt = deploy->wait(kBoot);
  INFO(describe(receipt));
  CHECK(receipt.exit_code == 0);
  CHECK(receipt.out.find("(@1 has 0 in flight, 2 upgraded)") != std::string::npos);
  CHECK(receipt.out.find(": 0 finished, 2 cut") != std::string::npos);
  CHECK(wait_until([&] { return written(daemon, "closed 1001") == 2; }));
}
