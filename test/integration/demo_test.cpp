// gvdemo and the tests' own HTTP client against each other, without a daemon between them: what the other
// tests conclude from their answers rests on this.
#include <doctest/doctest.h>

#include <csignal>

#include "support/command.h"
#include "support/http_client.h"
#include "support/site.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

struct Demo {
  Site site;
  Command process;
  explicit Demo(const std::vector<std::string>& switches = {}) : process(command(site, switches)) {}
  static std::vector<std::string> command(const Site& site, const std::vector<std::string>& switches) {
    std::vector<std::string> all{GV_DEMO, "--port", std::to_string(site.listener().port().value())};
    all.insert(all.end(), switches.begin(), switches.end());
    return all;
  }
  [[nodiscard]] bool listens() const {
    return wait_until([this] { return HttpConnection::connect(site.listener()).has_value(); });
  }
};

}  // namespace

TEST_CASE("gvdemo: every framing of a request comes back whole on one connection") {
  Demo demo;
  REQUIRE(demo.listens());
  auto connection = HttpConnection::connect(demo.site.listener());
  REQUIRE(connection.has_value());
  for (bool chunked : {false, true}) {
    Request request;
    request.method = "POST";
    request.target = "/echo";
    request.chunked = chunked;
    request.body = std::string(300'000, 'q') + "end";
    auto answer = connection->exchange(request);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->chunked == chunked);
    CHECK(answer->body == request.body);
  }
  auto lines = connection->get("/stream?n=3&ms=1");
  REQUIRE(lines.has_value());
  CHECK(lines->chunked);
  CHECK(lines->body == "line 1\nline 2\nline 3\n");
  auto bytes = connection->get("/bytes?n=200000");
  REQUIRE(bytes.has_value());
  CHECK(bytes->body.size() == 200'000);
  CHECK_FALSE(bytes->chunked);
  auto chunks = connection->get("/bytes?n=200000&chunked=1");
  REQUIRE(chunks.has_value());
  CHECK(chunks->body == bytes->body);
  CHECK(chunks->chunked);
  CHECK_FALSE(connection->closed_by_server());
}

TEST_CASE("gvdemo: with --socket it is reached at a path") {
  Site site;
  auto address = base::Address::unix_path((site.directory() / "s").string());
  REQUIRE(address.has_value());
  Command demo({GV_DEMO, "--socket", (site.directory() / "s").string()});
  REQUIRE(wait_until([&] { return HttpConnection::connect(*address).has_value(); }));
  auto answer = fetch(*address);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  demo.signal(SIGTERM);
  CHECK(demo.wait().exit_code == 0);
}

TEST_CASE("gvdemo: a malformed request is refused and the connection closed") {
  Demo demo;
  REQUIRE(demo.listens());
  auto connection = HttpConnection::connect(demo.site.listener());
  REQUIRE(connection.has_value());
  REQUIRE(connection->send("NONSENSE\r\n\r\n").has_value());
  auto answer = connection->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->status == 400);
  CHECK(wait_until([&] { return connection->closed_by_server(); }));
}

TEST_CASE("gvdemo: on SIGTERM a request in progress is answered before the exit") {
  Demo demo;
  REQUIRE(demo.listens());
  auto connection = HttpConnection::connect(demo.site.listener());
  REQUIRE(connection.has_value());
  Request request;
  request.target = "/stream?n=5&ms=100";
  REQUIRE(connection->send(to_text(request)).has_value());
  REQUIRE(connection->receive().has_value());
  demo.process.signal(SIGTERM);
  auto answer = connection->read_response();
  REQUIRE(answer.has_value());
  CHECK(answer->body.ends_with("line 5\n"));
  CHECK(demo.process.wait().exit_code == 0);
}

TEST_CASE("gvdemo: the switches of boot and exit do what they say") {
  CHECK(run_command({GV_DEMO, "--exit-after", "10ms", "--exit-code", "7"}).exit_code == 7);
  CHECK(run_command({GV_DEMO, "--exit-after", "soon"}).exit_code == 2);
  CommandResult alone = run_command({GV_DEMO, "--fd"});
  CHECK(alone.exit_code == 1);
  CHECK(alone.err.find("no socket was passed") != std::string::npos);
  Demo demo({"--boot-delay", "300ms", "--unhealthy"});
  auto began = std::chrono::steady_clock::now();
  REQUIRE(demo.listens());
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(250));
  Request health;
  health.target = "/health";
  auto answer = fetch(demo.site.listener(), health);
  REQUIRE(answer.has_value());
  CHECK(answer->status == 503);
}
