// The access log of a real worker: one line for each request, whatever becomes of it.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <sstream>

#include "proxy/access_log.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using Json = nlohmann::json;
using routing::AppMode;
using namespace std::chrono_literals;

// The writer's part: takes the batches of one worker and reads their lines.
class Lines {
 public:
  explicit Lines(ProxyRig& rig) : lane_(rig.port().access) {}

  // The next line of the file.
  Json next(const std::string& path = "/app.log") {
    std::deque<std::string>& lines = lines_[path];
    CHECK(eventually([&] {
      take();
      return !lines.empty();
    }));
    if (lines.empty()) return Json::object();
    std::string line = lines.front();
    lines.pop_front();
    CAPTURE(line);
    Json parsed = Json::parse(line, nullptr, false);
    REQUIRE(parsed.is_object());
    return parsed;
  }
  [[nodiscard]] bool none() {
    take();
    return std::all_of(lines_.begin(), lines_.end(), [](const auto& file) { return file.second.empty(); });
  }

 private:
  void take() {
    while (auto batch = lane_.filled.pop()) {
      std::istringstream text(batch->text);
      for (std::string line; std::getline(text, line);) lines_[batch->to.path].push_back(line);
      lane_.taken.add(batch->text.size());
      batch->text.clear();
      (void)lane_.spent.push(std::move(*batch));
    }
  }
  routing::AccessLane& lane_;
  std::map<std::string, std::deque<std::string>> lines_;
};

struct Logged {
  FakeApp app{base::GenerationId(7)};
  ProxyRig rig;
  Lines lines{rig};
  Logged() {
    rig.web.mode = AppMode::live;
    rig.web.targets = {app.endpoint()};
    rig.web.access = routing::access_sink("/app.log", {});
    rig.access = routing::access_sink("/listener.log", {});
    rig.publish();
  }
  // The app's end of a connection, with a request read from it.
  Peer serve() {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    return side;
  }
};

bool without(const Json& line, std::initializer_list<const char*> keys) {
  return std::none_of(keys.begin(), keys.end(), [&](const char* key) { return line.contains(key); });
}

}  // namespace

TEST_CASE_FIXTURE(Logged,
                  "access: requests on one connection have a line each, with who, what and how long") {
  Peer client = rig.connect();
  REQUIRE(client.send("POST /a%20b?c=\"d HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(lines.next("/listener.log")["error"] == "bad-target");

  client = rig.connect();
  REQUIRE(
      client.send("POST /a%20b?c=d HTTP/1.1\r\nHost: Example.COM:80\r\nTransfer-Encoding: chunked\r\n"
                  "User-Agent: agent \"x\" \xff\r\nReferer: https://r/\r\nX-Request-Id: id-1\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  Peer side = serve();
  REQUIRE(!side.read_past("0\r\n\r\n").empty());
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
  CHECK(without(line, {"connect_ms", "referer", "user_agent", "request_id"}));
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
  CHECK(line["end"] == "client_gone");
  CHECK(line["phase"] == "relaying the response");
}

TEST_CASE_FIXTURE(Logged, "access: clients that stall or break their body are told from apps that cut") {
  rig.options.body_timeout = 50ms;
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

}  // namespace gracevisor::test
