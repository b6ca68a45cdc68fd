// What a listener allows its clients: sizes, numbers, times.
#include "passing.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

void check_refused(const std::string& answer, int status, const std::string& token) {
  CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  CHECK(value_of(answer, "X-Gv-Error") == token);
  CHECK(value_of(answer, "Connection") == "close");
}

TEST_CASE("limits: a target that is too long gets 414") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.max_target = 64;
  rig.publish();
  const std::string most = "/" + std::string(63, 'x');
  CHECK(first_line(pass(rig, app, get(most)).request) == "GET " + most + " HTTP/1.1");
  check_refused(answer_to(rig, get(most + "x")), 414, "target-too-long");
  check_refused(answer_to(rig, "GET " + most + std::string(100, 'x')), 414, "target-too-long");
  CHECK(app.quiet());
}

TEST_CASE("limits: a head that is too large, a line that is too long or too many of them get 431") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.max_head = 256;
  rig.publish();
  const std::string frame = get("/", "X: \r\n");
  const std::string most = get("/", "X: " + std::string(256 - frame.size(), 'x') + "\r\n");
  REQUIRE(most.size() == 256);
  CHECK(pass(rig, app, most).response.ends_with("ok"));
  check_refused(answer_to(rig, get("/", "X: " + std::string(257 - frame.size(), 'x') + "\r\n")), 431,
                "head-too-large");
  rig.listener = {};
  rig.listener.max_field = 64;
  rig.publish();
  CHECK(pass(rig, app, get("/", "X: " + std::string(61, 'x') + "\r\n")).response.ends_with("ok"));
  check_refused(answer_to(rig, get("/", "X: " + std::string(62, 'x') + "\r\n")), 431, "field-too-large");
  rig.listener = {};
  rig.listener.max_fields = 3;
  rig.publish();
  CHECK(pass(rig, app, get("/", "A: 1\r\nB: 2\r\n")).response.ends_with("ok"));
  check_refused(answer_to(rig, get("/", "A: 1\r\nB: 2\r\nC: 3\r\n")), 431, "too-many-fields");
  CHECK(app.quiet());
}

TEST_CASE("limits: a new table's limits are for the next head of an open connection too") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/" + std::string(100, 'x'))));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok")));
  REQUIRE(client.read_message().ends_with("ok"));
  rig.listener.max_target = 64;
  rig.publish();
  REQUIRE(client.send(get("/" + std::string(100, 'x'))));
  check_refused(client.read_message(), 414, "target-too-long");
}

TEST_CASE("limits: a client that pipelines more than read_ahead is not read meanwhile") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.read_ahead = 1024;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/first")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  std::string block;
  while (block.size() < 60000) block += get("/next");
  constexpr std::size_t kEnough = std::size_t{64} << 20;
  std::size_t sent = 0;
  for (int idle = 0; idle < 200 && sent < kEnough;) {
    std::size_t n = client.send_some(std::string_view(block).substr(sent % block.size()));
    sent += n;
    idle = n == 0 ? idle + 1 : 0;
    if (n == 0) pause_briefly();
  }
  CHECK(sent < std::size_t{24} << 20);  // the kernel's own buffers
  for (int i = 0; i < 50; ++i) {        // more than one read-ahead of them
    REQUIRE(side.send(ok("ok")));
    REQUIRE(client.read_message().ends_with("ok"));
    REQUIRE(side.read_past("\r\n\r\n").starts_with("GET /next "));
  }
}

TEST_CASE("limits: a head that is longer than read_ahead is read to its end all the same") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.read_ahead = 1024;
  rig.publish();
  Peer client = rig.connect();
  const std::string second = get("/second", "X: " + std::string(3000, 'x') + "\r\n");
  REQUIRE(client.send(get("/first") + second.substr(0, 2000)));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("first")));
  REQUIRE(client.read_message().ends_with("first"));
  REQUIRE(client.send(second.substr(2000)));
  CHECK(side.read_past("\r\n\r\n").starts_with("GET /second "));
  REQUIRE(side.send(ok("second")));
  CHECK(client.read_message().ends_with("second"));
}

TEST_CASE("limits: a client has so many connections at work, and an idle one goes for another") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.max_connections_per_client = 2;
  rig.publish();
  auto ask = [&](Peer& client) {
    REQUIRE(client.send(get("/", "Accept: text/plain\r\n")));
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    return side;
  };
  auto finish = [](Peer& client, Peer& side) {
    REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
    return client.read_message().ends_with("ok");
  };
  Peer first = rig.connect();
  Peer second = rig.connect();
  Peer first_side = ask(first);
  Peer second_side = ask(second);
  Peer third = rig.connect();
  std::string answer = third.read_message();  // without having asked
  check_refused(answer, 503, "too-many-connections");
  CHECK(value_of(answer, "Retry-After") == "1");
  CHECK(third.read_to_end().empty());
  CHECK(third.end() == End::finished);
  CHECK(finish(first, first_side));
  Peer fourth = rig.connect();
  Peer fourth_side = ask(fourth);
  CHECK(first.read_to_end().empty());
  CHECK(first.end() == End::finished);
  CHECK(finish(fourth, fourth_side));
  CHECK(finish(second, second_side));
}

TEST_CASE("limits: a listener without a limit per client counts nobody") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  std::vector<Peer> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(rig.connect());
  REQUIRE(clients.back().send("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n"));
  REQUIRE(!clients.back().read_message().empty());  // all of them are accepted
  rig.listener.max_connections_per_client = 1;
  rig.publish();
  clients.erase(clients.begin(), clients.begin() + 25);  // uncounted ones leave
  Peer counted = rig.connect();
  REQUIRE(counted.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  Peer refused = rig.connect();
  check_refused(refused.read_message(), 503, "too-many-connections");
}

TEST_CASE("limits: a head that does not come in time gets 408, nothing at all gets nothing") {
  ProxyRig rig;
  rig.listener.head_timeout = 50ms;
  rig.publish();
  Peer silent = rig.connect();
  Peer slow = rig.connect();
  REQUIRE(slow.send("GET / HTTP/1.1\r\nHost: h\r\n"));
  check_refused(slow.read_message(), 408, "head-timeout");
  CHECK(slow.read_to_end().empty());
  CHECK(silent.read_to_end().empty());
  CHECK(silent.end() == End::finished);
}

TEST_CASE("limits: bytes now and then do not put off the end of head_timeout") {
  ProxyRig rig;
  rig.listener.head_timeout = 100ms;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("GET / HTTP/1.1\r\nX: "));
  auto began = std::chrono::steady_clock::now();
  while (client.quiet() && std::chrono::steady_clock::now() - began < kPatience) {
    (void)client.send_some("x");
    pause_briefly();
  }
  CHECK(client.read_message().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("limits: a connection that is idle between two requests is closed without a word") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.idle_timeout = 50ms;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok")));
  REQUIRE(client.read_message().ends_with("ok"));
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::finished);
}

}  // namespace
}  // namespace gracevisor::test
