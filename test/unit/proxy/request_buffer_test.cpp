// Bodies that are read before an instance is chosen: what the instance gets of them, and which instance.
#include "uploads.h"

namespace gracevisor::test {
namespace {

// One more instance in the place of all others, which leave.
void cut_over(CoreRig& rig) {
  for (const routing::EndpointRef& old : rig.web.targets) rig.web.leaving.push_back({old, false});
  rig.web.targets = {rig.add_instance()};
  rig.publish();
  rig.settle();
}

}  // namespace

TEST_CASE("request buffer: no instance is chosen before a body is there") {
  for (std::string_view second : {"56789", "567"}) {
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(10) + "01234");
    rig.settle();
    CHECK(rig.app_connections() == 0);
    CHECK(rig.leases() == 0);
    CHECK(rig.counts().waiting.read() == 0);
    client.send(second);
    rig.settle();
    if (second.size() < 5) {
      CHECK(rig.app_connections() == 0);
      client.send("89");
      rig.settle();
    }
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == "0123456789");
    CHECK(request.field("Content-Length") == "10");
    rig.app(0)->send(ok("thanks"));
    rig.settle();
    CHECK(response_to(client).content == "thanks");
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: what came in chunks goes out with its length") {
  const std::string body = "5;a=b\r\nhello\r\n1\r\n,\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (std::size_t piece : {body.size(), std::size_t{7}, std::size_t{1}}) {
    CAPTURE(piece);
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(chunked_post());
    if (piece != body.size()) rig.settle();
    for (std::size_t at = 0; at < body.size(); at += piece) {
      CHECK(rig.app_connections() == 0);
      client.send(std::string_view(body).substr(at, piece));
      rig.settle();
    }
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == "hello, world");
    CHECK(request.field("Content-Length") == "12");
    CHECK(request.count("Transfer-Encoding") == 0);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: an empty body in chunks goes out with length 0") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(chunked_post());
  rig.settle();
  client.send("0\r\n\r\n");
  rig.settle();
  CHECK(request_at(rig).whole);
  CHECK(request_at(rig).field("Content-Length") == "0");
}

TEST_CASE("request buffer: trailers that pass need chunks") {
  for (std::string_view body : {"5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
                                "0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n"}) {
    CoreRig rig;
    rig.options.trailers = {"x-sum"};
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(chunked_post());
    rig.settle();
    client.send(body);
    rig.settle();
    const WireMessage request = request_at(rig);
    CHECK(request.whole);
    CHECK(request.content == (body.size() > 40 ? "hello world" : ""));
    CHECK(request.field("Transfer-Encoding") == "chunked");
    CHECK(request.count("Content-Length") == 0);
    REQUIRE(request.trailers.size() == 1);
    CHECK(request.trailers[0].first == "X-Sum");
  }
}

TEST_CASE("request buffer: more in chunks than it holds is passed on as it comes") {
  CoreRig rig;
  rig.options.request_buffer = 16;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(chunked_post());
  rig.settle();
  client.send(chunk(10));
  rig.settle();
  CHECK(rig.app_connections() == 0);
  client.send(chunk(10));
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  CHECK(request_at(rig).content == std::string(20, 'x'));
  CHECK_FALSE(request_at(rig).whole);
  client.send(chunk(3));
  rig.settle();
  CHECK(request_at(rig).content.size() == 23);
  client.send("0\r\n\r\n");
  rig.settle();
  CHECK(request_at(rig).whole);
  CHECK(request_at(rig).field("Transfer-Encoding") == "chunked");
}

TEST_CASE("request buffer: a body of just its size is awaited whole and one byte more is not") {
  for (std::size_t more : {0U, 1U}) {
    CAPTURE(more);
    constexpr std::size_t kBuffer = 65536;
    CoreRig rig;
    RawEnd& client = rig.connect();
    client.send(post(kBuffer + more));
    rig.settle();
    client.send(std::string(kBuffer - 1, 'x'));
    rig.settle();
    CHECK(rig.app_connections() == more);
    client.send(std::string(1 + more, 'x'));
    rig.settle();
    CHECK(request_at(rig).whole);
    CHECK(request_at(rig).content.size() == kBuffer + more);
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: it is off with 0 and does not hold back what may become another protocol") {
  for (bool upgrade : {false, true}) {
    CoreRig rig;
    rig.options.request_buffer = upgrade ? 65536 : 0;
    rig.publish();
    RawEnd& client = rig.connect();
    client.send(post(5, upgrade ? "Connection: upgrade\r\nUpgrade: x\r\n" : ""));
    rig.settle();
    CHECK(rig.app_connections() == 1);
    CHECK(request_at(rig).start == "POST /up HTTP/1.1");
  }
}

TEST_CASE("request buffer: slow uploads leave the only instance to others") {
  CoreRig rig;
  for (int i = 0; i < 4; ++i) rig.connect().send(post(10000) + "x");
  rig.settle();
  RawEnd& honest = rig.connect();
  honest.send(get("/"));
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  CHECK(rig.leases() == 1);
  rig.app(0)->send(ok("at once"));
  rig.settle();
  CHECK(response_to(honest).content == "at once");
}

TEST_CASE(
    "request buffer: a cutover while a body comes gives it to the new generation and no drain waits for it") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  cut_over(rig);
  CHECK(rig.cell(0).leases.read() == 0);
  client.send("56789");
  rig.settle();
  CHECK(rig.cell(0).leases.read() == 0);
  CHECK(rig.cell(1).leases.read() == 1);
  CHECK(request_at(rig).content == "0123456789");
}

TEST_CASE("request buffer: an app that is stopped meanwhile answers once the body is there") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  rig.web.targets.clear();
  rig.web.mode = routing::AppMode::stopped;
  rig.publish();
  client.send("56789");
  rig.settle();
  CHECK(response_to(client).status() == 503);
  CHECK(response_to(client).token() == "stopped");
}

TEST_CASE("request buffer: a client that waits to be told to send is told by us") {
  for (bool chunks : {false, true}) {
    CAPTURE(chunks);
    CoreRig rig;
    RawEnd& client = rig.connect();
    const std::string expect = "Expect: 100-continue\r\n";
    client.send(chunks ? chunked_post(expect) : post(5, expect));
    rig.settle();
    CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(rig.app_connections() == 0);
    client.send(chunks ? "5\r\nhello\r\n0\r\n\r\n" : "hello");
    rig.settle();
    CHECK(request_at(rig).content == "hello");
    CHECK(request_at(rig).count("Expect") == 0);
    // The app's own says nothing new.
    rig.app(0)->send("HTTP/1.1 100 Continue\r\n\r\n" + ok("done"));
    rig.settle();
    CHECK(client.take().starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(rig.finish() == "");
  }
}

TEST_CASE("request buffer: whether to take a longer body is the app's to say") {
  CoreRig rig;
  rig.options.request_buffer = 4;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(5, "Expect: 100-continue\r\n"));
  rig.settle();
  CHECK(client.received().empty());
  REQUIRE(rig.app_connections() == 1);
  CHECK(request_at(rig).field("Expect") == "100-continue");
  rig.app(0)->send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  rig.settle();
  CHECK(response_to(client).status() == 413);
}

TEST_CASE("request buffer: what the head alone decides comes before 100") {
  const std::string expect = "Expect: 100-continue\r\n";
  const auto first_status = [](CoreRig& rig, const std::string& request) {
    RawEnd& client = rig.connect();
    client.send(request);
    rig.settle();
    return read_responses(client.received(), client.end()).messages.at(0).status();
  };
  CoreRig rig;
  rig.options.max_body = 4;
  rig.publish();
  CHECK(first_status(rig, post(5, expect)) == 413);
  CHECK(first_status(rig, post(4, "Expect: magic\r\n")) == 417);
  rig.web.targets.clear();
  rig.web.mode = routing::AppMode::stopped;
  rig.publish();
  CHECK(first_status(rig, post(4, expect)) == 503);
  CoreRig routed;
  routed.routes = {{"other.example.com", "/", routed.web.id}};
  routed.publish();
  CHECK(first_status(routed, post(4, expect)) == 404);
}

TEST_CASE("request buffer: pipelined requests behind a body that comes slowly are served in turn") {
  CoreRig rig;
  rig.options.reuse = config::ProxyOptions::Reuse::always;
  rig.publish();
  RawEnd& client = rig.connect();
  client.send(post(10) + "01234");
  rig.settle();
  client.send("56789" + get("/next"));
  rig.settle();
  CHECK(request_at(rig).start == "POST /up HTTP/1.1");
  rig.app(0)->send(ok("first"));
  rig.settle();
  CHECK(request_at(rig).start == "GET /next HTTP/1.1");
  CHECK(rig.finish() == "");
}

TEST_CASE("request buffer: a broken body is refused before any instance has it") {
  CoreRig rig;
  RawEnd& client = rig.connect();
  client.send(chunked_post() + "5\r\nhello\r\n");
  rig.settle();
  client.send("xyz\r\n");
  rig.settle();
  CHECK(response_to(client).token() == "bad-chunk-size");
  CHECK(rig.app_connections() == 0);
}

}  // namespace gracevisor::test
