// Exchanges that end before their time, from either side, and readers that are slower than writers.
#include <doctest/doctest.h>

#include <fstream>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

bool nothing_leased(const FakeApp& app) {
  return eventually([&] { return app.cell().leases.read() == 0; });
}

// What the kernel may hold of one stream between its two ends, by tcp(7): it sizes buffers by itself up to
// these.
std::size_t most_in_one_connection() {
  std::size_t sum = 0;
  for (const char* path : {"/proc/sys/net/ipv4/tcp_rmem", "/proc/sys/net/ipv4/tcp_wmem"}) {
    std::ifstream file(path);
    std::size_t least = 0, first = 0, most = 0;
    file >> least >> first >> most;
    REQUIRE(file.good());
    sum += most;
  }
  return sum;
}

// More than the two connections and the proxy between them may hold while nobody reads.
std::size_t more_than_is_held() {
  return 2 * most_in_one_connection() + (std::size_t{8} << 20);
}

TEST_CASE("endings: a truncated response never ends cleanly, whatever its framing") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  for (const char* head : {"Content-Length: 50\r\n\r\nok", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"}) {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/")));
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(std::string("HTTP/1.1 200 OK\r\n") + head));
    REQUIRE(client.read_past("ok").ends_with("ok"));
    side.close();
    std::string rest = client.read_to_end();
    CHECK(rest.find("0\r\n") == std::string::npos);
    CHECK(client.end() == End::reset);
  }
  CHECK(rig.counts().failed.read() == 2);
  CHECK(app.cell().cut.read() == 2);
  CHECK(nothing_leased(app));
}

TEST_CASE("endings: a head that stops halfway gives 502") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Le"));
  side.close();
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
  CHECK(app.quiet());
}

TEST_CASE("endings: bytes behind a complete response are dropped, and the connection is not pooled") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok") + ok("smuggled")));
  CHECK(client.read_message().ends_with("ok"));
  CHECK(side.read_to_end().empty());
  REQUIRE(client.send(get("/next")));
  side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("next")));
  CHECK(client.read_message().ends_with("\r\n\r\nnext"));
}

TEST_CASE("endings: a client that breaks off ends the app's connection at once, and nothing is counted") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  client.reset();
  CHECK(side.read_to_end().empty());
  CHECK(nothing_leased(app));

  Peer uploader = rig.connect();
  REQUIRE(uploader.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello"));
  Peer second = app.accept();
  REQUIRE(!second.read_past("hello").empty());
  uploader.finish_writing();  // an incomplete request
  CHECK(second.read_to_end().empty());
  CHECK(uploader.read_to_end().empty());
  CHECK(nothing_leased(app));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("endings: a client that finishes sending after whole requests gets all its answers with serve") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.half_close = config::ProxyOptions::HalfClose::serve;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/1") + get("/2")));
  client.finish_writing();
  Peer side = app.accept();
  for (const char* body : {"one", "two"}) {
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(ok(body)));
    CHECK(client.read_message().ends_with(body));
  }
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::finished);
}

TEST_CASE("endings: an early response reaches a client that still sends, and closes after it") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n"));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"));
  side.close();
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 413 "));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(client.send(std::string(400000, 'x')));  // taken and discarded, not reset
  client.finish_writing();
  CHECK(client.read_to_end().empty());
  CHECK(client.end() == End::finished);
  CHECK(nothing_leased(app));
}

TEST_CASE("endings: a slow reader stops the app's sending, and gets every byte") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect(8192);
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  constexpr std::size_t kSize = std::size_t{64} << 20;
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n"));
  const std::string block(65536, 'x');
  std::size_t sent = 0;
  // Until nothing has been taken for long: what lies between is bounded, not 64 MB.
  for (int idle = 0; idle < 200 && sent < kSize;) {
    std::size_t n = side.send_some(std::string_view(block).substr(0, std::min(block.size(), kSize - sent)));
    sent += n;
    idle = n == 0 ? idle + 1 : 0;
    if (n == 0) pause_briefly();
  }
  CHECK(sent < std::size_t{24} << 20);  // mostly the kernel's own buffers
  REQUIRE(!client.read_past("\r\n\r\n").empty());
  std::size_t received = 0;
  bool whole = true;
  while (received < kSize && whole) {
    std::size_t n = side.send_some(std::string_view(block).substr(0, std::min(block.size(), kSize - sent)));
    sent += n;
    std::size_t step = std::min<std::size_t>(sent - received, 32768);
    whole = step == 0 || client.read_exactly(step).size() == step;
    received += step;
  }
  CHECK(received == kSize);
  REQUIRE(client.send(get("/next")));
  CHECK(side.read_past("\r\n\r\n").starts_with("GET /next "));
}

TEST_CASE("endings: a reader that takes nothing for send_timeout is cut") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.send_timeout = 60ms;
  rig.publish();
  Peer client = rig.connect(8192);
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"));
  const std::string block(65536, 'x');
  while (side.send(block)) {
  }
  CHECK(nothing_leased(app));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("endings: an upload waits for an app that reads slowly, and arrives whole") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  const std::size_t size = more_than_is_held();
  REQUIRE(client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"));
  Peer side = app.accept();
  const std::string block(65536, 'y');
  std::size_t sent = 0;
  for (int idle = 0; idle < 200 && sent < size;) {
    std::size_t n = client.send_some(std::string_view(block).substr(0, std::min(block.size(), size - sent)));
    sent += n;
    idle = n == 0 ? idle + 1 : 0;
    if (n == 0) pause_briefly();
  }
  CHECK(sent < size);
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  std::size_t received = 0;
  bool whole = true;
  while (received < size && whole) {
    sent += client.send_some(std::string_view(block).substr(0, std::min(block.size(), size - sent)));
    std::size_t step = std::min<std::size_t>(sent - received, 32768);
    whole = step == 0 || side.read_exactly(step).size() == step;
    received += step;
  }
  CHECK(received == size);
  REQUIRE(side.send(ok("whole")));
  CHECK(client.read_message().ends_with("whole"));
}

}  // namespace
}  // namespace gracevisor::test
