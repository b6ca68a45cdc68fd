// Server-sent events: each one reaches the client before the app is let to send the next.
#include <doctest/doctest.h>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/http_client.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr std::chrono::seconds kBoot{30};

// The answer is received at least as far as `text`.
bool receives(HttpConnection& client, const std::string& text) {
  while (client.received().find(text) == std::string::npos) {
    auto more = client.receive();
    if (!more || !*more) return false;
  }
  return true;
}

void check_events(const std::string& command) {
  Site site;
  site.configure("[app.web]\ncommand = \"" + command +
                 "\"\nlisten = \"@LISTEN@\"\nenvironment = { PYTHONDONTWRITEBYTECODE = \"1\" }\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1, kBoot));
  auto ask = [&](const std::string& target) {
    Request request;
    request.target = target;
    auto answer = fetch(site.listener(), request);
    REQUIRE(answer.has_value());
    REQUIRE(answer->status == 200);
  };
  auto client = HttpConnection::connect(site.listener());
  REQUIRE(client.has_value());
  REQUIRE(client->send("GET /events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n").has_value());
  std::string all;
  for (int number = 1; number <= 5; ++number) {
    CAPTURE(number);
    if (number > 1) ask("/next");
    std::string event = "data: " + std::to_string(number) + "\n\n";
    REQUIRE(receives(*client, event));
    CHECK(client->received().find("data: " + std::to_string(number + 1)) == std::string::npos);
    all += event;
  }
  ask("/end");
  auto answer = client->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->header("Content-Type") == "text/event-stream");
  CHECK(answer->body == all);
  CHECK(answer->chunked);
  CHECK(answer->keep_alive);
}

}  // namespace

TEST_CASE("events: a stream of node arrives event by event") {
  if (available({"node"})) check_events("node " + real_file("apps/server.js") + " {port}");
}

TEST_CASE("events: a stream of gunicorn arrives event by event") {
  if (!available({"gunicorn"})) return;
  check_events("gunicorn --worker-class gthread --threads 4 --bind 127.0.0.1:{port} --chdir " +
               real_file("apps") + " wsgi:app");
}
