// Streams and late answers over a real server: clients that leave, clients that do not read, handlers that
// forget.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include "control/answers.h"
#include "control/client.h"
#include "support/control_server.h"
#include "support/unix_client.h"

using namespace gracevisor;
using namespace gracevisor::control;
using test::ControlServer;
using test::UnixClient;

namespace {

const Call kDeploy{http::Method::post, "/v1/apps/web/deploy", "{}"};
constexpr std::string_view kDeployBytes =
    "POST /v1/apps/web/deploy HTTP/1.1\r\nHost: gv\r\nContent-Length: 2\r\n\r\n{}";

// Keeps what it is asked, to be answered by the test (on the loop's thread).
struct Keeper {
  std::vector<std::shared_ptr<serve::Response>> responses;
  int gone = 0;

  ControlServer::Script script() {
    return [this](const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
      response->on_gone([this] { ++gone; });
      responses.push_back(response);
    };
  }
};

}  // namespace

TEST_CASE("stream: lines arrive as they are said, and the end is the end") {
  Keeper keeper;
  ControlServer server(keeper.script());
  std::vector<std::string> lines;
  std::promise<void> first;
  auto client = std::async(std::launch::async, [&] {
    return Client(server.path()).stream(kDeploy, [&](std::string_view line) {
      lines.emplace_back(line);
      if (lines.size() == 1) first.set_value();
      return true;
    });
  });
  REQUIRE(server.eventually([&] { return !keeper.responses.empty(); }));
  server.on_loop([&] {
    begin_lines(*keeper.responses[0]);
    send_line(*keeper.responses[0], R"({"phase":"start"})");
  });
  first.get_future().wait();  // before anything else is said
  server.on_loop([&] {
    send_line(*keeper.responses[0], "{\"text\":\"" + std::string(200000, 'x') + "\"}");
    send_line(*keeper.responses[0], R"({"phase":"done","exit":0})");
    keeper.responses[0]->end();
  });
  auto answer = client.get();
  REQUIRE(answer);
  CHECK(answer->status == 200);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == R"({"phase":"start"})");
  CHECK(lines[1].size() == 200011);
  CHECK(lines[2] == R"({"phase":"done","exit":0})");
  CHECK(server.on_loop([&] { return keeper.gone; }) == 0);
  server.on_loop([&] { keeper.responses.clear(); });
  CHECK(server.stop() == 0);
}

TEST_CASE("stream: a late whole answer, and an error, find their client") {
  Keeper keeper;
  ControlServer server(keeper.script());
  auto client = std::async(std::launch::async, [&] {
    return Client(server.path()).stream(kDeploy, [](std::string_view /*line*/) { return true; });
  });
  REQUIRE(server.eventually([&] { return !keeper.responses.empty(); }));
  server.on_loop([&] { send_error(*keeper.responses[0], Error{"busy", ExitCode::busy, {"deploy web@43"}}); });
  auto answer = client.get();
  REQUIRE(answer);
  CHECK(answer->status == 409);
  CHECK(read_error(409, answer->body).details.size() == 1);
  // The answer is whole: the response says no more, and holds nothing.
  CHECK_FALSE(server.on_loop([&] { return keeper.responses[0]->open(); }));
}

TEST_CASE("stream: when the client leaves, the handler is told once and the response takes everything") {
  Keeper keeper;
  ControlServer server(keeper.script());
  {
    UnixClient client(server.path());
    REQUIRE(client.send(kDeployBytes));
    REQUIRE(server.eventually([&] { return !keeper.responses.empty(); }));
    server.on_loop([&] {
      begin_lines(*keeper.responses[0]);
      send_line(*keeper.responses[0], "{}");
    });
    CHECK(client.read_until("{}").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  REQUIRE(server.eventually([&] { return keeper.gone > 0; }));
  server.on_loop([&] {
    CHECK_FALSE(keeper.responses[0]->open());
    send_line(*keeper.responses[0], "{}");
    keeper.responses[0]->end();
    keeper.responses.clear();
  });
  CHECK(server.eventually_connections(0));
  CHECK(server.on_loop([&] { return keeper.gone; }) == 1);
  CHECK(server.stop() == 0);
}

TEST_CASE("stream: the notice that a client left may drop the response") {
  std::shared_ptr<serve::Response> kept;
  bool gone = false;
  ControlServer server([&](const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
    kept = response;
    kept->on_gone([&] {
      gone = true;
      kept.reset();
    });
  });
  {
    UnixClient client(server.path());
    REQUIRE(client.send(kDeployBytes));
    REQUIRE(server.eventually([&] { return kept != nullptr; }));
  }
  CHECK(server.eventually([&] { return gone && kept == nullptr; }));
  CHECK(server.stop() == 0);
}

TEST_CASE("stream: a follower that does not read is dropped, and only it") {
  Keeper keeper;
  ControlServer server(keeper.script());
  UnixClient slow(server.path());
  REQUIRE(slow.send(kDeployBytes));
  REQUIRE(server.eventually([&] { return keeper.responses.size() == 1; }));
  server.on_loop([&] { begin_lines(*keeper.responses[0]); });
  const std::string line(1000, 'x');
  // Far more than the socket and the queue hold together.
  std::size_t said = server.on_loop([&] {
    std::size_t count = 0;
    for (; keeper.responses[0]->open() && count < 100000; ++count) send_line(*keeper.responses[0], line);
    return count;
  });
  CHECK(said > 1000);
  CHECK(said < 10000);
  CHECK(server.eventually([&] { return keeper.gone == 1; }));
  // What it reads now is visibly cut: no last chunk.
  CHECK_FALSE(slow.read_all().ends_with("0\r\n\r\n"));

  UnixClient other(server.path());
  REQUIRE(other.send(kDeployBytes));
  REQUIRE(server.eventually([&] { return keeper.responses.size() == 2; }));
  server.on_loop([&] { send_json(*keeper.responses[1], "{}"); });
  CHECK(other.read_until("{}\n").starts_with("HTTP/1.1 200 OK\r\n"));
  server.on_loop([&] { keeper.responses.clear(); });
}

TEST_CASE("stream: a long past is said at once and wholly, and then the follower has to keep pace") {
  std::shared_ptr<serve::Response> kept;
  ControlServer server([&](const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
    begin_lines(*response);
    for (int i = 0; i < 50; ++i) send_line(*response, "\"" + std::string(100000, 'p') + "\"");
    kept = response;
  });
  UnixClient client(server.path());
  REQUIRE(client.send(kDeployBytes));
  REQUIRE(server.eventually([&] { return kept != nullptr; }));
  CHECK(server.on_loop([&] { return kept->open(); }));
  server.on_loop([&] {
    for (int i = 0; i < 8; ++i) send_line(*kept, std::string(100000, 'q'));
    CHECK(kept->open());
    for (int i = 0; i < 8; ++i) send_line(*kept, std::string(100000, 'r'));
    CHECK_FALSE(kept->open());
    kept.reset();
  });
}

TEST_CASE("stream: a handler that drops its response becomes an answer 500, or a cut stream") {
  ControlServer silent(
      [](const Request& /*request*/, const std::shared_ptr<serve::Response>& /*response*/) {});
  auto answer = Client(silent.path()).ask({http::Method::get, "/", {}});
  REQUIRE(answer);
  CHECK(answer->status == 500);
  ControlServer broken([](const Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
    begin_lines(*response);
    send_line(*response, "{}");
  });
  int lines = 0;
  auto cut = Client(broken.path()).stream(kDeploy, [&](std::string_view /*line*/) { return ++lines > 0; });
  REQUIRE_FALSE(cut);
  CHECK(cut.error().kind == CallError::Kind::lost);
  CHECK(lines == 1);
  CHECK(silent.stop() == 0);
  CHECK(broken.stop() == 0);
}

TEST_CASE("stream: responses outlive their server without harm") {
  Keeper keeper;
  auto server = std::make_unique<ControlServer>(keeper.script());
  UnixClient client(server->path());
  REQUIRE(client.send(kDeployBytes));
  REQUIRE(server->eventually([&] { return !keeper.responses.empty(); }));
  server->on_loop([&] { begin_lines(*keeper.responses[0]); });
  CHECK(server->stop() == 0);
  CHECK_FALSE(keeper.responses[0]->open());
  send_line(*keeper.responses[0], "{}");
  keeper.responses.clear();
  CHECK(keeper.gone == 0);
}
