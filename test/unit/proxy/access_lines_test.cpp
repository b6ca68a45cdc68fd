// The access log of a real worker: one line for each request, in the right log.
#include <utility>

#include "logged.h"
#include "proxy/access_log.h"

namespace gracevisor::test {

TEST_CASE_FIXTURE(Logged,
                  "access: a connection that does not begin with its PROXY header has a line that says so") {
  rig.listener.proxy_protocol = true;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("GET /x HTTP/1.1\r\n\r\n"));
  CHECK(client.read_to_end().empty());
  Json line = lines.next("/listener.log");
  CHECK(line["error"] == "bad-proxy-header");
  CHECK(line["status"] == 0);
  CHECK(line["end"] == "refused");
  CHECK(line["phase"] == "reading the PROXY header");
}

TEST_CASE_FIXTURE(Logged, "access: a response that is cut has the reason") {
  for (const auto& [bytes, reason] : {std::pair{"Transfer-Encoding: chunked\r\n\r\nx", "bad-chunk-size"},
                                      {"Transfer-Encoding: chunked\r\n\r\n1;=", "bad-chunk-extension"},
                                      {"Transfer-Encoding: chunked\r\n\r\n0\r\n:", "bad-trailer"},
                                      {"Content-Length: 5\r\n\r\nok", "upstream-truncated"}}) {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/")));
    Peer side = serve();
    REQUIRE(side.send(std::string("HTTP/1.1 200 OK\r\n") + bytes));
    side.finish_writing();
    (void)client.read_to_end();
    Json line = lines.next();
    CHECK(line["status"] == 200);
    CHECK(line["end"] == "cut");
    CHECK(line["error"] == reason);
    auto told = rig.web.ledger->last_failure.take();
    REQUIRE(told != nullptr);
    CHECK(http::text_of(told->reason).token == reason);
  }
}

TEST_CASE_FIXTURE(Logged,
                  "access: requests on one connection have a line each, with who, what and how long") {
  Peer client = rig.connect();
  REQUIRE(client.send("POST /a%20b?c=#d HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(lines.next("/listener.log")["error"] == "bad-target");

  client = rig.connect();
  REQUIRE(
      client.send("POST /a%20b?c=d HTTP/1.1\r\nHost: Example.COM:80\r\nTransfer-Encoding: chunked\r\n"
                  "User-Agent: agent \"x\" \xff\r\nReferer: https://r/\r\nX-Request-Id: id-1\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  Peer side = serve();
  REQUIRE(side.read_past("abcde") == "abcde");
  std::string answer = ok("hello", "X-A: b\r\n");
  REQUIRE(side.send(answer));
  std::string received = client.read_message();
  Json line = lines.next();
  CHECK(line["client"] == "127.0.0.1");
  CHECK(line["listener"] == "public");
  CHECK(line["app"] == "web");
  CHECK(line["generation"] == 7);
  CHECK(line["instance"] == "7.1");
  CHECK(line["host"] == "example.com");
  CHECK(line["method"] == "POST");
  CHECK(line["target"] == "/a%20b?c=d");
  CHECK(line["protocol"] == "HTTP/1.1");
  CHECK(line["status"] == 200);
  CHECK(line["bytes_in"] == 5);
  CHECK(line["bytes_out"] == received.size());
  CHECK(line["referer"] == "https://r/");
  CHECK(line["user_agent"] == "agent \"x\" \xc3\xbf");
  CHECK(line["request_id"] == "id-1");
  CHECK(line["end"] == "done");
  CHECK(line["replays"] == 0);
  CHECK(line["reused"] == false);
  CHECK(line["upgraded"] == false);
  CHECK(line["total_ms"].get<double>() >= line["head_ms"].get<double>());
  CHECK(line["connect_ms"].get<double>() >= 0);
  CHECK(line["body_ms"].get<double>() >= 0);
  CHECK(line["time"].get<std::string>().ends_with("Z"));
  CHECK(without(line, {"error", "phase", "held_ms", "request_line"}));

  REQUIRE(client.send(get("/second")));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  CHECK(lines.next()["target"] == "/second");
  REQUIRE(client.send("HEAD /third HTTP/1.1\r\nHost: h\r\n\r\n"));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"));
  received = client.read_past("\r\n\r\n");
  line = lines.next();
  CHECK(line["method"] == "HEAD");
  CHECK(line["reused"] == true);
  CHECK(line["bytes_in"] == 0);
  CHECK(line["bytes_out"] == received.size());
  CHECK(line["end"] == "done");
  CHECK(without(line, {"connect_ms", "referer", "user_agent"}));
  CHECK(line.at("request_id").get<std::string>().size() == 32);  // made by us
  CHECK(lines.none());
}

TEST_CASE_FIXTURE(Logged, "access: what matches no app is in the listener's log") {
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("GET /x HTTP/1.0\r\nHost: unknown\r\n\r\n"));
  std::string received = client.read_to_end();
  Json line = lines.next("/listener.log");
  CHECK(line["status"] == 404);
  CHECK(line["error"] == "no-route");
  CHECK(line["host"] == "unknown");
  CHECK(line["protocol"] == "HTTP/1.0");
  CHECK(line["end"] == "done");
  CHECK(line["bytes_out"] == received.size());
  CHECK(without(line, {"app", "generation", "instance", "head_ms", "connect_ms", "phase"}));
}

TEST_CASE_FIXTURE(Logged, "access: without a log of its own, an app's requests are in the listener's") {
  rig.web.access = nullptr;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/x")));
  Peer side = serve();
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  CHECK(lines.next("/listener.log")["app"] == "web");
  rig.access = nullptr;
  rig.publish();
  REQUIRE(client.send(get("/y")));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("y")));
  (void)client.read_message();
  REQUIRE(rig.finish() == 0);
  CHECK(lines.none());
}

TEST_CASE_FIXTURE(Logged,
                  "access: nothing of a request that was not logged stands in the line of a later one") {
  auto sink = std::exchange(rig.web.access, nullptr);
  rig.access = nullptr;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/unlogged")));
  serve().close();
  Peer side = serve();
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  rig.web.access = sink;
  rig.publish();
  REQUIRE(client.send(get("/logged")));  // with the same exchange, which is recycled
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  Json line = lines.next();
  CHECK(line["target"] == "/logged");
  CHECK(line["replays"] == 0);
}

TEST_CASE_FIXTURE(Logged, "access: heads that are refused show their first line and nothing is made of it") {
  struct Row {
    std::string head;
    int status;
    std::string line;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "GET / HTTP/1.1"},
      {"\x16\x03\x01\"\\\x80\r\n\r\n", 400, "\x16\x03\x01\"\\\xc2\x80"},
      {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414,
       "GET /" + std::string(proxy::kLongestAccessText - 5, 'x')},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40000, 'x') + "\r\n\r\n", 431, "GET / HTTP/1.1"},
      {"GET / HTTP/3.0\r\n\r\n", 505, "GET / HTTP/3.0"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.head.substr(0, 40));
    Peer client = rig.connect();
    (void)client.send(row.head);
    std::string received = client.read_message();
    Json line = lines.next("/listener.log");
    CHECK(line["status"] == row.status);
    CHECK(line["request_line"] == row.line);
    CHECK(line["end"] == "refused");
    CHECK(line["phase"] == "reading the request's head");
    CHECK(line["error"].get<std::string>().size() > 3);
    CHECK(line["bytes_out"] == received.size());
    CHECK(line["listener"] == "public");
    CHECK(without(line, {"method", "target", "host", "app"}));
  }
  CHECK(app.quiet());
}

TEST_CASE_FIXTURE(Logged, "access: a table that goes takes no names from the requests that began under it") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/x")));
  Peer side = serve();
  rig.web.access = nullptr;
  rig.web.name = "renamed";
  rig.access = nullptr;
  rig.publish();
  REQUIRE(side.send(ok("x")));
  (void)client.read_message();
  CHECK(lines.next()["app"] == "web");
  CHECK(eventually([&] { return rig.port().oldest_pinned.read() == rig.port().adopted.read(); }));
}

TEST_CASE_FIXTURE(Logged, "access: lines in combined form keep hostile bytes inside their quotes") {
  rig.web.access = routing::access_sink("/combined.log", {{}, config::AccessFormat::combined});
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send(get("/a", "User-Agent: x\" 200 \xff\r\nReferer: \\\r\n")));
  Peer side = serve();
  REQUIRE(side.send(ok("hello")));
  (void)client.read_message();
  std::string text;
  REQUIRE(eventually([&] {
    auto batch = rig.port().access.filled.pop();
    if (batch) text = batch->text;
    return batch.has_value();
  }));
  CHECK(text.starts_with("127.0.0.1 - - ["));
  CHECK(text.ends_with("] \"GET /a HTTP/1.1\" 200 5 \"\\x5C\" \"x\\x22 200 \\xFF\"\n"));
}

TEST_CASE_FIXTURE(Logged, "access: a tunnel has one line, written at its end, with the bytes of both ways") {
  Peer client = rig.connect();
  REQUIRE(client.send(get("/chat", "Connection: Upgrade\r\nUpgrade: websocket\r\n")));
  Peer side = serve();
  REQUIRE(side.send("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
  std::string head = client.read_past("\r\n\r\n");
  REQUIRE(client.send("abc"));
  CHECK(side.read_exactly(3) == "abc");
  REQUIRE(side.send("hello"));
  CHECK(client.read_exactly(5) == "hello");
  CHECK(lines.none());
  side.close();
  client.close();
  Json line = lines.next();
  CHECK(line["target"] == "/chat");
  CHECK(line["status"] == 101);
  CHECK(line["upgraded"] == true);
  CHECK(line["bytes_in"] == 3);
  CHECK(line["bytes_out"] == head.size() + 5);
}

TEST_CASE_FIXTURE(Logged, "access: a connection in TCP mode has one line without a request") {
  rig.tcp = rig.web.id;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("abc"));
  Peer side = app.accept();
  CHECK(side.read_exactly(3) == "abc");
  REQUIRE(side.send("hello"));
  CHECK(client.read_exactly(5) == "hello");
  side.close();
  CHECK(client.read_to_end().empty());
  client.close();
  Json line = lines.next();
  CHECK(line["app"] == "web");
  CHECK(line["instance"] == "7.1");
  CHECK(line["bytes_in"] == 3);
  CHECK(line["bytes_out"] == 5);
  CHECK(line["end"] == "done");
  CHECK(without(line, {"method", "target", "host", "protocol", "request_line"}));
}

}  // namespace gracevisor::test
