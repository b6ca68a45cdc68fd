// What the access log says of requests that did not go well: who ended them, and in which phase.
#include "logged.h"

namespace gracevisor::test {

using routing::AppMode;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(Logged, "access: an app that fails is 502 with the instance that failed and the replays") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/x")));
  serve().close();
  serve().close();
  CHECK(client.read_message().starts_with("HTTP/1.1 502 "));
  Json line = lines.next();
  CHECK(line["status"] == 502);
  CHECK(line["error"] == "upstream-closed");
  CHECK(line["instance"] == "7.1");
  CHECK(line["replays"] == 1);
  CHECK(line["end"] == "done");
  CHECK(without(line, {"head_ms", "phase"}));
}

TEST_CASE_FIXTURE(Logged, "access: a response that ends before its end is cut, and says where") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/x")));
  Peer side = serve();
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nok"));
  REQUIRE(!client.read_past("ok").empty());
  side.close();
  (void)client.read_to_end();
  Json line = lines.next();
  CHECK(line["status"] == 200);
  CHECK(line["end"] == "cut");
  CHECK(line["phase"] == "relaying the response");
  CHECK(line.contains("head_ms"));
}

TEST_CASE_FIXTURE(Logged,
                  "access: a client that leaves is 499 before the response's head, and its status after it") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/before")));
  Peer side = serve();
  client.reset();
  Json line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["end"] == "client_gone");
  CHECK(line["phase"] == "waiting for the response's head");
  CHECK(line["bytes_out"] == 0);

  CHECK(line["error"] == "client-closed");

  client = rig.connect();
  REQUIRE(client.send(get("/half-closed")));
  side = serve();
  client.finish_writing();
  line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["error"] == "client-closed");
  CHECK(line["end"] == "client_gone");
  CHECK(without(line, {"body_ms"}));

  client = rig.connect();
  REQUIRE(client.send("POST /never HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello"));
  client.finish_writing();
  line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["phase"] == "reading the request's body");
  CHECK(line["body_ms"].get<double>() <= line["total_ms"].get<double>());
  CHECK(without(line, {"instance", "held_ms"}));

  rig.options.request_buffer = 0;
  rig.publish();
  client = rig.connect();
  REQUIRE(client.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nhello"));
  side = app.accept();
  REQUIRE(!side.read_past("hello").empty());
  client.finish_writing();
  line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["bytes_in"] == 5);
  CHECK(line["phase"] == "sending the request");

  client = rig.connect();
  REQUIRE(client.send(get("/after")));
  side = serve();
  REQUIRE(side.send("HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\nok"));
  REQUIRE(!client.read_past("ok").empty());
  client.reset();
  line = lines.next();
  CHECK(line["status"] == 201);
  CHECK(line["error"] == "client-closed");
  CHECK(line["end"] == "client_gone");
  CHECK(line["phase"] == "relaying the response");
}

TEST_CASE_FIXTURE(Logged,
                  "access: what nobody took of a response that its app was let finish does not count") {
  rig.options.on_client_abort = config::ProxyOptions::ClientAbort::finish;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/before")));
  Peer side = serve();
  client.reset();
  // The proxy's one thread has seen that when it serves another one.
  Peer other = rig.connect();
  REQUIRE(other.send(get("/other")));
  Peer meanwhile = serve();
  REQUIRE(meanwhile.send(ok("other")));
  CHECK(other.read_message().ends_with("other"));
  CHECK(lines.next()["status"] == 200);
  REQUIRE(side.send(ok("nobody reads this")));
  Json line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["bytes_out"] == 0);
  CHECK(line["end"] == "client_gone");
}

TEST_CASE_FIXTURE(Logged, "access: clients that stall or break their body are told from apps that cut") {
  rig.options.body_timeout = 50ms;
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"));
  Peer side = serve();
  CHECK(client.read_message().starts_with("HTTP/1.1 408 "));
  Json line = lines.next();
  CHECK(line["status"] == 408);
  CHECK(line["error"] == "body-timeout");
  CHECK(line["bytes_in"] == 2);
  CHECK(line["end"] == "done");

  auto early = [&](const std::string& more) {
    client = rig.connect();
    REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"));
    side = serve();
    REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nok"));
    REQUIRE(!client.read_past("ok").empty());
    if (!more.empty()) REQUIRE(client.send(more));
    return lines.next();
  };
  CHECK(early("nonsense")["end"] == "bad_body");
  line = early("");
  CHECK(line["end"] == "client_stalled");
  CHECK(without(line, {"head_ms"}));
}

TEST_CASE_FIXTURE(Logged, "access: a request that waited says how long, served or not") {
  rig.web.mode = AppMode::hold;
  rig.web.targets.clear();
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/served")));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  rig.web.mode = AppMode::live;
  rig.web.targets = {app.endpoint()};
  rig.publish();
  Peer side = serve();
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  Json line = lines.next();
  CHECK(line["status"] == 200);
  CHECK(line["instance"] == "7.1");
  CHECK(line["held_ms"].get<double>() > 0);
  CHECK(line["held_ms"].get<double>() <= line["total_ms"].get<double>());

  rig.web.mode = AppMode::hold;
  rig.web.targets.clear();
  rig.web.hold = 30ms;
  rig.publish();
  REQUIRE(client.send(get("/late")));
  (void)client.read_message();
  line = lines.next();
  CHECK(line["error"] == "hold-timeout");
  CHECK(line["held_ms"].get<double>() >= 29);
  CHECK(without(line, {"instance", "generation", "head_ms"}));

  rig.web.hold = 0s;
  rig.publish();
  REQUIRE(client.send(get("/at-once")));
  (void)client.read_message();
  CHECK(without(lines.next(), {"held_ms"}));

  rig.web.hold = 10s;
  rig.publish();
  REQUIRE(client.send(get("/gone")));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  client.reset();
  line = lines.next();
  CHECK(line["status"] == 499);
  CHECK(line["phase"] == "waiting for an instance");
  CHECK(line["held_ms"].get<double>() > 0);
}

TEST_CASE_FIXTURE(Logged, "access: requests that the worker's end cuts short have their line, too") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/x")));
  Peer side = serve();
  CHECK(rig.finish() == 0);
  Json line = lines.next();
  CHECK(line["end"] == "shutdown");
  CHECK(line["status"] == 0);
  CHECK(line["phase"] == "waiting for the response's head");
}

}  // namespace gracevisor::test
