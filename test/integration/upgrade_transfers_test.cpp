// What lasts longer than an upgrade: the former daemon finishes it, and the next upgrade waits for that one.
#include <doctest/doctest.h>

#include <csignal>

#include "support/named_apps.h"
#include "support/processes.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kPatience{30};

HttpConnection connected(const Site& site) {
  auto connection = HttpConnection::connect(site.listener(), kPatience);
  REQUIRE(connection.has_value());
  return std::move(*connection);
}

// Sends the request and waits for the first bytes of its answer.
HttpConnection begun(const Site& site, const std::string& target) {
  HttpConnection client = connected(site);
  Request request;
  request.target = target;
  REQUIRE(client.send(to_text(request)).has_value());
  REQUIRE(client.receive().has_value());
  return client;
}

// What the predecessor still has; 0 and 0: there is none.
struct Kept {
  std::uint64_t connections = 0;
  std::uint64_t tunnels = 0;
  friend bool operator==(const Kept&, const Kept&) = default;
};
Kept kept(const DaemonProcess& daemon) {
  const auto status = daemon.status();
  if (!status || !status->predecessor) return {};
  return {status->predecessor->connections, status->predecessor->tunnels};
}

}  // namespace

TEST_CASE("upgrade: a WebSocket stays with the former daemon, and only --now goes on before it ends") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@", "deploy.drain_timeout = \"2s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE(socket.has_value());
  REQUIRE(socket->echoes("before"));
  const pid_t first = owner(daemon);
  const Upgraded done = upgrade(daemon, {"--wait"});
  INFO(describe(done) << daemon.log());
  REQUIRE(done.result.exit_code == 0);
  CHECK(has(done.text("drained"), "1 WebSocket or TCP connection left alone until they end"));
  const pid_t second = owner(daemon);
  for (int i = 0; i < 100; ++i) CHECK(socket->echoes("after " + std::to_string(i)));
  CHECK(predecessor(daemon) == first);
  CHECK(wait_until([&] { return kept(daemon) == Kept{1, 1}; }));
  const CommandResult status = daemon.ctl({"status"});
  CHECK(has(status.out, std::to_string(first)));

  Upgraded refused;
  // What else is in the way ends soon.
  CHECK(wait_until(
      [&] {
        refused = upgrade(daemon);
        return has(refused.result.out + refused.result.err,
                   "the former daemon (pid " + std::to_string(first) + ")");
      },
      kPatience));
  INFO(describe(refused));
  CHECK(refused.result.exit_code == 5);
  CHECK(owner(daemon) == second);
  CHECK(socket->echoes("still"));
  // New ones are the new daemon's.
  auto other = WebSocket::open(site.listener());
  REQUIRE(other.has_value());
  CHECK(other->echoes("other"));
  CHECK(other->close());

  const auto ending = daemon.ctl_beside({"--json", "upgrade", "--now"});
  CHECK(socket->wait_closed() == 1012);
  const Upgraded now = read_upgrade(ending->wait(kPatience));
  INFO(describe(now) << daemon.log());
  CHECK(now.result.exit_code == 0);
  CHECK(owner(daemon) == now.successor());
  CHECK(wait_until([&] { return !alive(first); }));
  CHECK(served_by(site.listener()) == "/\n");
  CHECK(wait_alone(daemon));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: a deploy in the overlap closes the WebSockets of both daemons") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@", "deploy.drain_timeout = \"2s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto former = WebSocket::open(site.listener());
  REQUIRE((former && former->echoes("before")));
  (void)upgrade_well(daemon);
  auto newer = WebSocket::open(site.listener());
  REQUIRE((newer && newer->echoes("after")));
  const auto deploy = daemon.ctl_beside({"deploy", "web"});
  CHECK(former->wait_closed() == 1012);
  CHECK(newer->wait_closed() == 1012);
  const CommandResult deployed = deploy->wait(kPatience);
  INFO(describe(deployed) << daemon.log());
  CHECK(deployed.exit_code == 0);
  CHECK(has(deployed.out, " 0 cut"));
  CHECK(wait_alone(daemon));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: --now ends a former daemon with its WebSocket at once and is done") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  const pid_t first = owner(daemon);
  (void)upgrade_well(daemon);
  REQUIRE(wait_until([&] { return kept(daemon) == Kept{1, 1}; }));
  const auto began = std::chrono::steady_clock::now();
  const auto ending = daemon.ctl_beside({"--json", "upgrade", "--now"});
  CHECK(socket->wait_closed() == 1012);
  const Upgraded now = read_upgrade(ending->wait(kPatience));
  INFO(describe(now) << daemon.log());
  CHECK(now.result.exit_code == 0);
  // Not as slowly as a deploy closes them.
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  CHECK(logged(daemon, "predecessor-ended pid=" + std::to_string(first) + " how=\"exit 0\""));
  CHECK(wait_until([&] { return !alive(first); }));
}

TEST_CASE("upgrade: --now waits only for a while for a client that does not answer its close") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  (void)upgrade_well(daemon);
  const Upgraded now = upgrade(daemon, {"--now"});
  INFO(describe(now) << daemon.log());
  CHECK(now.result.exit_code == 0);
  CHECK(now.result.took < std::chrono::seconds(20));
  CHECK(socket->wait_closed() == 1012);
}

TEST_CASE("upgrade: a WebSocket that is closed by its client lets an upgrade that waits go on") {
  Site site;
  site.configure(websocket_app("web", "@LISTEN@"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  (void)upgrade_well(daemon);
  const auto waits = daemon.ctl_beside({"--json", "upgrade", "--wait"});
  REQUIRE(wait_until([&] { return has(waits->out(), "\"phase\":\"wait\""); }));
  CHECK(socket->echoes("during"));
  CHECK(socket->close());
  const Upgraded done = read_upgrade(waits->wait(kPatience));
  INFO(describe(done) << daemon.log());
  CHECK(done.result.exit_code == 0);
  CHECK(owner(daemon) == done.successor());
  // One that is not given the time is told what was in the way.
  auto next = WebSocket::open(site.listener());
  REQUIRE((next && next->echoes("before")));
  REQUIRE(wait_alone(daemon));
  (void)upgrade_well(daemon);
  const Upgraded late = upgrade(daemon, {"--wait", "--timeout", "200ms"});
  INFO(describe(late));
  CHECK(late.result.exit_code == 5);
  CHECK(has(late.text("failed"), "the former daemon (pid "));
  CHECK(next->echoes("after"));
}

TEST_CASE("upgrade: upgrade_drain_timeout closes the WebSockets that a former daemon has kept") {
  Site site;
  site.configure_whole(site.daemon_table() + "upgrade_drain_timeout = \"1s\"\n" +
                       websocket_app("web", "@LISTEN@", "deploy.drain_timeout = \"2s\"\n"));
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto socket = WebSocket::open(site.listener());
  REQUIRE((socket && socket->echoes("before")));
  const auto began = std::chrono::steady_clock::now();
  const pid_t first = owner(daemon);
  (void)upgrade_well(daemon);
  CHECK(socket->wait_closed() == 1012);
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(1));
  CHECK(wait_alone(daemon));
  CHECK_FALSE(alive(first));
  CHECK(daemon.terminate().exit_code == 0);
}

TEST_CASE("upgrade: a TCP connection lives through it with both its halves") {
  Site site;
  site.configure(
      "[app.tcp]\ncommand = [\"@PYTHON@\", \"-c\", \"\"\"\nimport os, socketserver\n"
      "class Echo(socketserver.StreamRequestHandler):\n  def handle(self):\n"
      "    for line in self.rfile: self.wfile.write(line)\n    self.wfile.write(b'end')\n"
      "socketserver.ThreadingTCPServer.allow_reuse_address = True\n"
      "socketserver.ThreadingTCPServer(('127.0.0.1', int(os.environ['PORT'])), Echo)"
      ".serve_forever()\n\"\"\"]\nproxy = \"tcp\"\nlisten = \"@LISTEN@\"\n");
  DaemonProcess daemon(site);
  REQUIRE_MESSAGE(daemon.wait_healthy("tcp", 1), daemon.log() << daemon.ctl({"status"}).out);
  HttpConnection client = connected(site);
  const auto says = [&](const std::string& what) {
    return wait_until(
               [&] { return client.received().ends_with(what) || !client.receive().value_or(false); }) &&
           client.received().ends_with(what);
  };
  REQUIRE(client.send("one\n").has_value());
  REQUIRE(says("one\n"));
  (void)upgrade_well(daemon);
  CHECK(wait_until([&] { return kept(daemon) == Kept{1, 1}; }));
  REQUIRE(client.send("two\n").has_value());
  CHECK(says("two\n"));
  client.finish_sending();
  CHECK(says("end"));
  CHECK(wait_alone(daemon));
}

TEST_CASE("upgrade: slow downloads, uploads and streams that were begun before end whole") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n"
      "health = { path = \"/health\", interval = \"50ms\" }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  constexpr std::size_t kBytes = 40'000'000;
  HttpConnection spliced = begun(site, "/bytes?n=" + std::to_string(kBytes));
  HttpConnection chunked = begun(site, "/bytes?chunked=1&n=" + std::to_string(kBytes));
  HttpConnection stream = begun(site, "/stream?n=60&ms=50");
  HttpConnection slow = connected(site);
  REQUIRE(slow.send("GET /slow?ms=2500 HTTP/1.1\r\nHost: localhost\r\n\r\n").has_value());
  constexpr std::size_t kUpload = 3'000'000;
  const std::string half(kUpload / 2, 'u');
  HttpConnection upload = connected(site);
  REQUIRE(upload
              .send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(kUpload) +
                    "\r\n\r\n" + half)
              .has_value());
  // Small enough to be kept until it is whole.
  HttpConnection buffered = connected(site);
  REQUIRE(buffered
              .send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n" +
                    half.substr(0, 1000))
              .has_value());
  REQUIRE(wait_until([&] {
    const auto app = daemon.app("web");
    return app && app->instances.at(0).in_flight >= 5;
  }));
  const pid_t former = owner(daemon);
  const auto upgrading = daemon.ctl_beside({"--json", "upgrade", "--wait"});
  REQUIRE_MESSAGE(wait_until([&] { return has(upgrading->out(), "\"phase\":\"handed\""); }, kPatience),
                  upgrading->out() << daemon.log());
  CHECK(predecessor(daemon) == former);
  CHECK(served_by(site.listener()) == "v1");

  REQUIRE(buffered.send(half.substr(0, 1000)).has_value());
  const auto small = buffered.read_response();
  REQUIRE_MESSAGE(small.has_value(), daemon.log());
  CHECK(small->body.size() == 2000);
  REQUIRE(upload.send(half).has_value());
  const auto echoed = upload.read_response();
  REQUIRE_MESSAGE(echoed.has_value(), echoed.error().what << daemon.log());
  CHECK(echoed->body.size() == kUpload);
  // Its answer began before it was whole: its connection ends with it.
  CHECK_FALSE(echoed->keep_alive);
  const auto waited = slow.read_response();
  REQUIRE_MESSAGE(waited.has_value(), daemon.log());
  CHECK(has(waited->body, "slow version"));
  for (HttpConnection* one : {&spliced, &chunked}) {
    const auto answer = one->read_response();
    REQUIRE_MESSAGE(answer.has_value(), answer.error().what << daemon.log());
    CHECK(answer->body.size() == kBytes);
  }
  const auto lines = stream.read_response();
  REQUIRE_MESSAGE(lines.has_value(), daemon.log());
  CHECK(count(lines->body, "line ") == 60);
  const Upgraded done = read_upgrade(upgrading->wait(kPatience));
  INFO(describe(done) << daemon.log());
  CHECK(done.result.exit_code == 0);
  CHECK(has(done.text("drained"), " finished, 0 cut"));
  // And their connections go on with the new one.
  CHECK(wait_alone(daemon));
  const std::pair<const char*, HttpConnection*> all[] = {{"spliced", &spliced},
                                                         {"chunked", &chunked},
                                                         {"stream", &stream},
                                                         {"slow", &slow},
                                                         {"buffered", &buffered}};
  for (const auto& [name, one] : all) {
    CAPTURE(name);
    const auto answer = one->get("/pid");
    CHECK((answer && answer->status == 200));
  }
  CHECK(daemon.app("web")->failed == 0);
  CHECK(daemon.terminate().exit_code == 0);
}
