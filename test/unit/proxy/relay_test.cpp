// Requests and responses through a real worker: keep-alive on both sides, and bodies of every framing.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

TEST_CASE("proxy: two requests on one client connection use one connection to the app") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/one?a=%20b", "X-Custom: as is\r\n")));
  Peer upstream = app.accept();
  std::string head = upstream.read_past("\r\n\r\n");
  CHECK(head.starts_with("GET /one?a=%20b HTTP/1.1\r\n"));
  CHECK(head.find("X-Custom: as is\r\n") != std::string::npos);
  CHECK(head.find("X-Forwarded-For: 127.0.0.1\r\n") != std::string::npos);
  CHECK(app.cell().leases.read() == 1);
  REQUIRE(upstream.send(ok("first")));
  CHECK(client.read_message().ends_with("\r\n\r\nfirst"));
  CHECK(eventually([&] { return app.cell().leases.read() == 0; }));

  REQUIRE(client.send(get("/two")));
  CHECK(upstream.read_past("\r\n\r\n").starts_with("GET /two HTTP/1.1\r\n"));
  REQUIRE(upstream.send(ok("second")));
  CHECK(client.read_message().ends_with("second"));
  CHECK(app.quiet());
  CHECK(app.cell().requests.read() == 2);
  CHECK(eventually([&] { return rig.counts().requests.read() == 2; }));
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("proxy: a head that comes byte by byte is served, on both sides") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  for (char byte : get("/slow")) REQUIRE(client.send({&byte, 1}));
  Peer upstream = app.accept();
  CHECK(upstream.read_past("\r\n\r\n").starts_with("GET /slow "));
  for (char byte : ok("x")) REQUIRE(upstream.send({&byte, 1}));
  CHECK(client.read_message().ends_with("\r\n\r\nx"));
}

TEST_CASE("proxy: bodies with a length pass in both directions, in pieces") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"));
  Peer upstream = app.accept();
  std::string head = upstream.read_past("\r\n\r\n");
  CHECK(head.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(upstream.read_exactly(5) == "hello");
  REQUIRE(client.send("world"));
  CHECK(upstream.read_exactly(5) == "world");
  REQUIRE(upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"));
  CHECK(client.read_past("\r\n\r\nabc").ends_with("abc"));
  REQUIRE(upstream.send("def"));
  CHECK(client.read_exactly(3) == "def");
}

TEST_CASE("proxy: chunked bodies are decoded and chunked anew in both directions") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(
      client.send("PUT /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "0003;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: dropped\r\n\r\n"));
  Peer upstream = app.accept();
  std::string head = upstream.read_past("\r\n\r\n");
  CHECK(head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(upstream.read_past("0\r\n\r\n") == "5\r\nabcde\r\n0\r\n\r\n");
  REQUIRE(
      upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"));
  CHECK(client.read_past("\r\n\r\n").find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(client.read_past("0\r\n\r\n") == "3\r\nabc\r\n0\r\n\r\n");
}

TEST_CASE("proxy: a chunked response reaches a client of HTTP/1.0 without chunks, and the end is the close") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"));
  Peer upstream = app.accept();
  CHECK(upstream.read_past("\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
  REQUIRE(upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  std::string answer = client.read_to_end();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.ends_with("\r\n\r\nok"));
  CHECK(answer.find("chunked") == std::string::npos);
  CHECK(client.end() == End::finished);
}

TEST_CASE("proxy: a response that ends with its connection is chunked for a client that stays") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer upstream = app.accept();
  REQUIRE(!upstream.read_past("\r\n\r\n").empty());
  REQUIRE(upstream.send("HTTP/1.1 200 OK\r\n\r\nabc"));
  CHECK(client.read_past("abc\r\n").ends_with("3\r\nabc\r\n"));
  upstream.close();
  CHECK(client.read_past("\r\n\r\n") == "0\r\n\r\n");
  REQUIRE(client.send(get("/next")));
  upstream = app.accept();
  CHECK(upstream.read_past("\r\n\r\n").starts_with("GET /next "));
}

TEST_CASE("proxy: answers without a body leave both connections usable") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"));
  Peer upstream = app.accept();
  REQUIRE(!upstream.read_past("\r\n\r\n").empty());
  REQUIRE(upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  CHECK(client.read_past("\r\n\r\n").find("Content-Length: 5\r\n") != std::string::npos);
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    REQUIRE(client.send(get("/")));
    REQUIRE(!upstream.read_past("\r\n\r\n").empty());
    REQUIRE(upstream.send(std::string("HTTP/1.1 ") + status + "\r\nX-Last: 1\r\n\r\n"));
    CHECK(client.read_past("\r\n\r\n").starts_with(std::string("HTTP/1.1 ") + status));
  }
  REQUIRE(client.send(get("/")));
  CHECK(!upstream.read_past("\r\n\r\n").empty());
}

TEST_CASE("proxy: interim responses pass, and a body that waits for 100 follows it") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  Peer upstream = app.accept();
  CHECK(upstream.read_past("\r\n\r\n").find("100-continue") != std::string::npos);
  REQUIRE(upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"));
  CHECK(client.read_past("\r\n\r\n").starts_with("HTTP/1.1 103 "));
  CHECK(client.read_past("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  REQUIRE(client.send("hi"));
  CHECK(upstream.read_exactly(2) == "hi");
  REQUIRE(upstream.send(ok("done")));
  CHECK(client.read_message().ends_with("done"));
}

TEST_CASE("proxy: pipelined requests are answered one after the other, in order") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/1") + get("/2") + get("/3")));
  Peer upstream = app.accept();
  for (const char* number : {"1", "2", "3"}) {
    CHECK(upstream.read_past("\r\n\r\n").starts_with(std::string("GET /") + number + " "));
    CHECK(upstream.quiet());
    REQUIRE(upstream.send(ok(number)));
    CHECK(client.read_message().ends_with(number));
  }
}

TEST_CASE("proxy: Connection: close is obeyed after the answer") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/", "Connection: close\r\n")));
  Peer upstream = app.accept();
  CHECK(upstream.read_past("\r\n\r\n").find("Connection: close") == std::string::npos);
  REQUIRE(upstream.send(ok("bye")));
  CHECK(client.read_to_end().ends_with("bye"));
  CHECK(client.end() == End::finished);
}

}  // namespace
}  // namespace gracevisor::test
