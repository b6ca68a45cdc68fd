// What an app's options allow its clients and the app itself: bodies, interim responses, waiting, kept
// connections.
#include "passing.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;
using routing::AppMode;

std::string chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

void check_answer(const std::string& answer, int status, const std::string& token) {
  CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(status) + " "));
  CHECK(value_of(answer, "X-Gv-Error") == token);
}

// One request of this client, which `side` serves; the app's next connection where that has ended.
void serve(Peer& client, Peer& side, const std::string& fields = "") {
  REQUIRE(client.send(get("/")));
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok", fields)));
  REQUIRE(client.read_message().ends_with("ok"));
}

Peer serve_first(Peer& client, FakeApp& app, const std::string& fields = "") {
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok", fields)));
  REQUIRE(client.read_message().ends_with("ok"));
  return side;
}

TEST_CASE("app limits: a body of just max_body passes, one byte or one chunk more does not") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.max_body = 10;
  rig.publish();
  for (const std::string& request :
       {std::string("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789"),
        chunked("4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n")}) {
    CHECK(pass(rig, app, request).response.ends_with("ok"));
  }
  check_answer(answer_to(rig, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"), 413,
               "body-too-large");
  // Known from the chunk's size, before any of it has come.
  check_answer(answer_to(rig, chunked("b\r\n")), 413, "body-too-large");
  check_answer(answer_to(rig, chunked("4\r\n0123\r\n7\r\n")), 413, "body-too-large");
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("app limits: chunk extensions are counted over the whole message") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.max_chunk_extensions = 8;
  rig.publish();
  CHECK(pass(rig, app, chunked("1;a=b\r\nx\r\n1;a=b\r\ny\r\n0\r\n\r\n")).response.ends_with("ok"));
  check_answer(answer_to(rig, chunked("1;a=b\r\nx\r\n1;a=bc\r\ny\r\n0\r\n\r\n")), 400, "bad-chunk-extension");
  rig.options.max_chunk_extensions = 0;
  rig.publish();
  CHECK(pass(rig, app, chunked("1\r\nx\r\n0\r\n\r\n")).response.ends_with("ok"));
  check_answer(answer_to(rig, chunked("1;a\r\nx\r\n0\r\n\r\n")), 400, "bad-chunk-extension");
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("app limits: trailers are counted whether they pass or not") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.max_trailers = 12;
  rig.publish();
  CHECK(pass(rig, app, chunked("0\r\nA: 1\r\nB: 2\r\n\r\n")).response.ends_with("ok"));
  check_answer(answer_to(rig, chunked("0\r\nA: 1\r\nB: 23\r\n\r\n")), 400, "bad-trailer");
  rig.options.trailers = {"a", "b"};
  rig.publish();
  check_answer(answer_to(rig, chunked("0\r\nA: 1\r\nB: 23\r\n\r\n")), 400, "bad-trailer");
  rig.options.max_trailers = 0;
  rig.publish();
  CHECK(pass(rig, app, chunked("0\r\n\r\n")).response.ends_with("ok"));
  check_answer(answer_to(rig, chunked("0\r\nA: 1\r\n\r\n")), 400, "bad-trailer");
}

TEST_CASE("app limits: an app that sends too many extensions or trailers is cut, not ended cleanly") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.max_chunk_extensions = 4;
  rig.options.max_trailers = 6;
  rig.publish();
  for (const char* body : {"2;a=bc\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\nA: 12\r\n\r\n"}) {
    Peer client = rig.connect();
    REQUIRE(client.send(get("/")));
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body)));
    CHECK(client.read_to_end().find("0\r\n\r\n") == std::string::npos);
    CHECK(client.end() == End::reset);
    CHECK(side.read_to_end().empty());
  }
  CHECK(rig.counts().failed.read() == 2);
  CHECK(app.cell().cut.read() == 2);
}

TEST_CASE("app limits: a response's head beyond max_response_head gives 502, in one piece or many") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.max_response_head = 256;
  rig.publish();
  const std::string frame = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nX: \r\n\r\n";
  auto with = [&](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nX: " +
           std::string(size - frame.size(), 'x') + "\r\n\r\nok";
  };
  CHECK(pass(rig, app, get("/"), with(256)).response.ends_with("ok"));
  check_answer(pass(rig, app, get("/"), with(257)).response, 502, "head-too-large");
  check_answer(pass(rig, app, get("/"), "HTTP/1.1 200 OK\r\nX: " + std::string(300, 'x')).response, 502,
               "head-too-large");
  CHECK(rig.counts().failed.read() == 2);
}

TEST_CASE("app limits: interim responses pass up to max_interim_responses") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  for (unsigned most : {2U, 0U}) {
    rig.options.max_interim_responses = most;
    rig.publish();
    for (bool too_many : {false, true}) {
      CAPTURE(most);
      CAPTURE(too_many);
      std::string answer;
      for (unsigned i = 0; i < most + (too_many ? 1 : 0); ++i) answer += hint;
      Peer client = rig.connect();
      REQUIRE(client.send(get("/")));
      Peer side = app.accept();
      REQUIRE(!side.read_past("\r\n\r\n").empty());
      REQUIRE(side.send(answer + ok("ok", "Connection: close\r\n")));
      for (unsigned i = 0; i < most; ++i) CHECK(client.read_past("\r\n\r\n").starts_with("HTTP/1.1 103 "));
      std::string last = client.read_message();
      if (too_many) {
        check_answer(last, 502, "too-many-interim");
      } else {
        CHECK(last.ends_with("\r\n\r\nok"));
      }
    }
  }
}

TEST_CASE("hold: only so many requests wait, the next one hears that at once") {
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.options.hold_requests = 1;
  rig.publish();
  Peer first = rig.connect();
  REQUIRE(first.send(get("/")));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  std::string answer = answer_to(rig, get("/"));
  check_answer(answer, 503, "hold-full");
  CHECK(value_of(answer, "Retry-After") == "1");
  CHECK(rig.counts().waiting.read() == 1);
  CHECK(first.quiet());
  first.reset();
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 0; }));
  Peer second = rig.connect();
  REQUIRE(second.send(get("/")));
  CHECK(eventually([&] { return rig.counts().waiting.read() == 1; }));
  rig.options.hold_requests = 0;
  rig.publish();
  check_answer(answer_to(rig, get("/")), 503, "hold-full");
}

TEST_CASE("hold: what waits keeps no more than hold_memory") {
  ProxyRig rig;
  rig.web.mode = AppMode::hold;
  rig.options.hold_memory = 3000;
  rig.publish();
  const std::string large = get("/", "X: " + std::string(2000, 'x') + "\r\n");
  Peer first = rig.connect();
  REQUIRE(first.send(large));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  check_answer(answer_to(rig, large), 503, "hold-full");
  Peer small = rig.connect();
  REQUIRE(small.send(get("/")));
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 2; }));
  first.reset();
  REQUIRE(eventually([&] { return rig.counts().waiting.read() == 1; }));
  Peer again = rig.connect();
  REQUIRE(again.send(large));
  CHECK(eventually([&] { return rig.counts().waiting.read() == 2; }));
}

TEST_CASE("keeping: an idle connection to the app is closed after keep_alive") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.keep_alive = 50ms;
  rig.publish();
  Peer client = rig.connect();
  Peer side = serve_first(client, app);
  CHECK(side.read_to_end().empty());
  CHECK(side.end() == End::finished);
  (void)serve_first(client, app);
}

TEST_CASE("keeping: a connection to the app serves keep_alive_requests") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.keep_alive_requests = 3;
  rig.publish();
  Peer client = rig.connect();
  for (int round = 0; round < 2; ++round) {
    Peer side = serve_first(client, app);
    serve(client, side);
    serve(client, side);
    CHECK(side.read_to_end().empty());
    CHECK(app.quiet());
  }
  rig.options.keep_alive_requests = 1;
  rig.publish();
  CHECK(serve_first(client, app).read_to_end().empty());
}

TEST_CASE("keeping: an app that closes idle connections soon has none kept") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  for (const char* fields : {"Keep-Alive: timeout=1\r\n", "Keep-Alive: timeout=0\r\n",
                             "Connection: keep-alive\r\nkeep-alive: max=5, Timeout=1\r\n"}) {
    CAPTURE(fields);
    Peer side = serve_first(client, app, fields);
    CHECK(side.read_to_end().empty());
    CHECK(side.end() == End::finished);
  }
}

TEST_CASE(
    "keeping: what the app says of its patience does not reach the client, and nonsense means nothing") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(get("/")));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok", "Keep-Alive: timeout=5, max=100\r\n")));
  CHECK(value_of(client.read_message(), "Keep-Alive") == "(none)");
  for (const char* fields :
       {"Keep-Alive: timeout=x\r\n", "Keep-Alive: timeout=\r\n", "Keep-Alive: max=1\r\n",
        "Keep-Alive: timeout=99999999999999999999\r\n", "Keep-Alive: timeout=4000000000\r\n"}) {
    CAPTURE(fields);
    serve(client, side, fields);
  }
  serve(client, side);
  CHECK(app.quiet());
}

}  // namespace
}  // namespace gracevisor::test
