// What stands between a client and an app: routes, our own answers, forwarding fields, bodies.
#include <doctest/doctest.h>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kDemo = "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"@LISTEN@\"\n";

Request request(const std::string& method, const std::string& target, const std::string& host = "localhost") {
  Request result;
  result.method = method;
  result.target = target;
  result.host = host;
  return result;
}

}  // namespace

TEST_CASE("proxy: no route is 404, made by us") {
  Site site;
  site.configure(std::string(kDemo) + "route = \"example.com/api\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto other_host = fetch(site.listener(), request("GET", "/api", "other.com"));
  REQUIRE(other_host.has_value());
  CHECK(other_host->status == 404);
  CHECK(other_host->header("X-Gv-Error").has_value());
  auto other_path = fetch(site.listener(), request("GET", "/apix", "example.com"));
  REQUIRE(other_path.has_value());
  CHECK(other_path->header("X-Gv-Error").has_value());
  // gvdemo has no such page either, but that is its own answer.
  auto routed = fetch(site.listener(), request("GET", "/api/x", "EXAMPLE.com:80"));
  REQUIRE(routed.has_value());
  CHECK(routed->status == 404);
  CHECK_FALSE(routed->header("X-Gv-Error").has_value());
}

TEST_CASE("proxy: two apps share a listener by host") {
  Site site;
  site.configure(
      "[listen.public]\naddress = [\"@LISTEN@\"]\ndefault = \"one\"\n"
      "[app.one]\ncommand = \"@DEMO@ --version-text one\"\nlisten = \"public\"\nroute = \"one.test\"\n"
      "[app.two]\ncommand = \"@DEMO@ --version-text two\"\nlisten = \"public\"\nroute = \"*.two.test\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("one", 1));
  REQUIRE(daemon.wait_healthy("two", 1));
  auto version = [&](const std::string& host) {
    auto answer = fetch(site.listener(), request("GET", "/", host));
    return answer ? answer->body.substr(0, 12) : answer.error().what;
  };
  CHECK(version("one.test") == "version one ");
  CHECK(version("a.two.test") == "version two ");
  CHECK(version("unknown.test") == "version one ");
}

TEST_CASE("proxy: a response that never comes whole is 502 and a late one 504") {
  Site site;
  site.configure(std::string(kDemo) +
                 "[app.web.proxy_options]\nrequest_timeout = \"300ms\"\n"
                 "[app.web.restart]\nbackoff = \"20ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto late = fetch(site.listener(), request("GET", "/slow?ms=5000"));
  REQUIRE(late.has_value());
  CHECK(late->status == 504);
  CHECK(late->header("X-Gv-Error").has_value());
  // A POST is not repeated, so the death of the app is the client's answer.
  auto dead = fetch(site.listener(), request("POST", "/crash"));
  REQUIRE(dead.has_value());
  CHECK(dead->status == 502);
  CHECK(dead->header("X-Gv-Error").has_value());
}

TEST_CASE("proxy: with nothing to wait for an app without instances is 503 with Retry-After") {
  Site site;
  site.configure(std::string(kDemo) + "autostart = false\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.running());
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
  CHECK(answer->header("Retry-After").has_value());
  CHECK(answer->header("X-Gv-Error").has_value());
}

TEST_CASE("proxy: a request waits no longer than hold") {
  Site site;
  site.configure(
      "[app.web]\ncommand = \"@DEMO@ --never-listen\"\nlisten = \"@LISTEN@\"\n"
      "[app.web.deploy]\nhold = \"300ms\"\ntimeout = \"20s\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.running());
  auto began = std::chrono::steady_clock::now();
  auto answer = fetch(site.listener());
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
  auto took = std::chrono::steady_clock::now() - began;
  CHECK(took < std::chrono::seconds(3));
}

TEST_CASE("proxy: the app sees forwarding fields of ours and no hop-by-hop fields") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Request sent = request("GET", "/headers", "example.com");
  sent.headers = {{"X-Forwarded-For", "6.6.6.6"},
                  {"Connection", "X-Secret"},
                  {"X-Secret", "hop"},
                  {"Proxy-Connection", "keep-alive"},
                  {"X-Kept", "yes"}};
  auto answer = fetch(site.listener(), sent);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  const std::string& seen = answer->body;
  INFO(seen);
  CHECK(seen.find("Host: example.com\r\n") != std::string::npos);
  CHECK(seen.find("X-Forwarded-For: 127.0.0.1\r\n") != std::string::npos);
  CHECK(seen.find("X-Forwarded-Proto: http\r\n") != std::string::npos);
  CHECK(seen.find("X-Forwarded-Host: example.com\r\n") != std::string::npos);
  CHECK(seen.find("X-Kept: yes\r\n") != std::string::npos);
  CHECK(seen.find("6.6.6.6") == std::string::npos);  // the client is no trusted proxy
  CHECK(seen.find("X-Secret") == std::string::npos);
  CHECK(seen.find("Proxy-Connection") == std::string::npos);
}

TEST_CASE("proxy: a trusted proxy's forwarding fields are kept and extended") {
  Site site;
  site.configure(
      "[listen.public]\naddress = [\"@LISTEN@\"]\ntrusted_proxies = [\"127.0.0.0/8\"]\n"
      "[app.web]\ncommand = \"@DEMO@\"\nlisten = \"public\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  Request sent = request("GET", "/headers");
  sent.headers = {{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-Proto", "https"}};
  auto answer = fetch(site.listener(), sent);
  REQUIRE(answer.has_value());
  INFO(answer->body);
  CHECK(answer->body.find("X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n") != std::string::npos);
  CHECK(answer->body.find("X-Forwarded-Proto: https\r\n") != std::string::npos);
}

TEST_CASE("proxy: bodies of either framing pass whole in both directions") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  for (bool chunked : {false, true}) {
    // The echo begins before the request has ended, which may cost the connection its keep-alive.
    Request post = request("POST", "/echo");
    post.chunked = chunked;
    post.body = std::string(3'000'000, 'p') + "end";
    auto answer = fetch(site.listener(), post);
    REQUIRE_MESSAGE(answer.has_value(), (answer ? "" : answer.error().what));
    CHECK(answer->status == 200);
    CHECK(answer->body == post.body);
  }
  auto connection = HttpConnection::connect(site.listener());
  REQUIRE(connection.has_value());
  auto bytes = connection->get("/bytes?n=5000000");
  REQUIRE(bytes.has_value());
  CHECK(bytes->body.size() == 5'000'000);
  auto head = connection->exchange(request("HEAD", "/bytes?n=77"));
  REQUIRE(head.has_value());
  CHECK(head->header("Content-Length") == "77");
  CHECK(head->body.empty());
  CHECK_FALSE(connection->closed_by_server());
}

TEST_CASE("proxy: a streamed response arrives piece by piece") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  auto connection = HttpConnection::connect(site.listener());
  REQUIRE(connection.has_value());
  REQUIRE(connection->send(to_text(request("GET", "/stream?n=4&ms=400"))).has_value());
  auto began = std::chrono::steady_clock::now();
  while (connection->received().find("line 1\n") == std::string::npos)
    REQUIRE(connection->receive().has_value());
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::milliseconds(1000));
  CHECK(connection->received().find("line 4\n") == std::string::npos);
  auto answer = connection->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->body == "line 1\nline 2\nline 3\nline 4\n");
}

TEST_CASE("proxy: a malformed request is refused without reaching the app") {
  Site site;
  site.configure(kDemo);
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("web", 1));
  for (const char* bytes : {"NONSENSE\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
                            "chunked\r\n\r\n0\r\n\r\n"}) {
    auto connection = HttpConnection::connect(site.listener());
    REQUIRE(connection.has_value());
    REQUIRE(connection->send(bytes).has_value());
    auto answer = connection->read_response();
    REQUIRE(answer.has_value());
    CHECK(answer->status == 400);
    CHECK(answer->header("X-Gv-Error").has_value());
    CHECK(wait_until([&] { return connection->closed_by_server(); }));
  }
}
