// Requests that get another chance though an instance answered, or ended without a word.
#include "passing.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

const std::string kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 4\r\nConnection: "
    "close\r\n\r\nbusy";
const std::string kBusyForGood =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbusy";

FakeApp in_slot(unsigned slot) {
  return FakeApp(base::GenerationId(1), base::Address::tcp_loopback(base::Port(0)), base::Slot(slot));
}

// The first request goes to `first`.
struct Two {
  FakeApp first = in_slot(1);
  FakeApp second = in_slot(2);
  ProxyRig rig{{first.endpoint(), second.endpoint()}};
  Two() {
    rig.options.balance = config::ProxyOptions::Balance::round_robin;
    rig.options.retry_503 = true;
    rig.publish();
  }

  // What the client gets when the first instance answers so.
  std::string only_first(const std::string& request, const std::string& answer) {
    Peer client = rig.connect();
    REQUIRE(client.send(request));
    Peer side = first.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(answer));
    std::string got = client.read_message();
    CHECK(second.quiet());
    CHECK(first.quiet());
    CHECK(rig.counts().retried.read() == 0);
    return got;
  }
};

TEST_CASE("retry_503: an instance that asks to be asked later gives way to another one, once") {
  Two two;
  Peer client = two.rig.connect();
  REQUIRE(client.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"));
  Peer busy = two.first.accept();
  REQUIRE(busy.read_past("\r\n\r\nabc").starts_with("PUT /x "));
  REQUIRE(busy.send(kBusy));
  Peer side = two.second.accept();
  CHECK(side.read_past("\r\n\r\nabc").starts_with("PUT /x "));
  CHECK(busy.read_to_end().empty());
  REQUIRE(side.send(ok("second")));
  CHECK(client.read_message().ends_with("\r\n\r\nsecond"));
  CHECK(two.rig.counts().retried.read() == 1);
  CHECK(two.rig.counts().failed.read() == 0);
  CHECK(two.first.cell().server_errors.read() == 1);
  CHECK(eventually([&] { return two.rig.counts().requests.read() == 1; }));
  // The client's connection goes on.
  REQUIRE(client.send(get("/next")));
  CHECK(side.read_past("\r\n\r\n").starts_with("GET /next "));
}

TEST_CASE("retry_503: when the other one is busy as well, its answer is the client's") {
  Two two;
  Peer client = two.rig.connect();
  REQUIRE(client.send(get("/")));
  Peer busy = two.first.accept();
  REQUIRE(!busy.read_past("\r\n\r\n").empty());
  REQUIRE(busy.send(kBusy));
  Peer side = two.second.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\nsecond"));
  std::string answer = client.read_message();
  CHECK(value_of(answer, "Retry-After") == "7");
  CHECK(value_of(answer, "X-Gv-Error") == "(none)");
  CHECK(answer.ends_with("second"));
  CHECK(two.first.quiet());
  CHECK(two.rig.counts().retried.read() == 1);
}

TEST_CASE("retry_503: what must not be repeated is not") {
  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
  CHECK(Two().only_first(post, kBusy).ends_with("busy"));
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
  CHECK(Two().only_first(chunked, kBusy).ends_with("busy"));
  // A body that is still under way may be sent no second time either.
  Two streaming;
  streaming.rig.options.request_buffer = 0;
  streaming.rig.publish();
  CHECK(streaming.only_first("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx", kBusy)
            .ends_with("busy"));
}

TEST_CASE("retry_503: an Idempotency-Key makes a POST repeatable") {
  Two two;
  Peer client = two.rig.connect();
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nIdempotency-Key: 1\r\nContent-Length: 1\r\n\r\nx"));
  Peer busy = two.first.accept();
  REQUIRE(!busy.read_past("\r\n\r\nx").empty());
  REQUIRE(busy.send(kBusy));
  Peer side = two.second.accept();
  CHECK(side.read_past("\r\n\r\nx").starts_with("POST / "));
  REQUIRE(side.send(ok("second")));
  CHECK(client.read_message().ends_with("second"));
}

TEST_CASE("retry_503: neither without Retry-After, nor for another status") {
  CHECK(Two().only_first(get("/"), kBusyForGood).ends_with("busy"));
  std::string other = kBusy;
  other.replace(9, 3, "502");
  CHECK(Two().only_first(get("/"), other).starts_with("HTTP/1.1 502 "));
}

TEST_CASE("retry_503: neither without the option, nor with one instance") {
  {
    Two two;
    two.rig.options.retry_503 = false;
    two.rig.publish();
    CHECK(two.only_first(get("/"), kBusy).ends_with("busy"));
  }
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.retry_503 = true;
  rig.publish();
  CHECK(pass(rig, app, get("/"), kBusy).response.ends_with("busy"));
  CHECK(app.quiet());
  CHECK(rig.counts().retried.read() == 0);
}

TEST_CASE("retry_503: retries are bounded by the budget") {
  Two two;  // both are busy, always
  for (int i = 0; i < 8; ++i) {
    CAPTURE(i);
    Peer client = two.rig.connect();
    REQUIRE(client.send(get("/")));
    int attempts = 0;
    auto something = [&] { return !two.first.quiet() || !two.second.quiet() || !client.quiet(); };
    while (eventually(something) && client.quiet()) {
      Peer side = (two.first.quiet() ? two.second : two.first).accept();
      REQUIRE(!side.read_past("\r\n\r\n").empty());
      REQUIRE(side.send(kBusy));
      CHECK(side.read_to_end().empty());
      ++attempts;
    }
    CHECK(client.read_message().ends_with("busy"));
    CHECK(attempts == (i < 3 ? 2 : 1));
  }
  CHECK(two.rig.counts().retried.read() == 3);
}

// One instance, whose fresh connection ended without a response.
struct Alone {
  FakeApp app;
  ProxyRig rig{{app.endpoint()}};
  Peer client = rig.connect();
  void fail_once() {
    REQUIRE(client.send(get("/")));
    fail_again();
  }
  void fail_again() {
    Peer side = app.accept();
    REQUIRE(side.read_past("\r\n\r\n").starts_with("GET / "));
    side.close();
  }
};

TEST_CASE("pause: the only instance that ended without a word is asked again after a moment") {
  Alone alone;
  alone.fail_once();
  auto since = std::chrono::steady_clock::now();
  Peer side = alone.app.accept();
  CHECK(std::chrono::steady_clock::now() - since >= 10ms);
  CHECK(side.read_past("\r\n\r\n").starts_with("GET / "));
  REQUIRE(side.send(ok("ok")));
  CHECK(alone.client.read_message().ends_with("ok"));
  CHECK(alone.rig.counts().retried.read() == 1);
  CHECK(alone.rig.counts().failed.read() == 0);
  CHECK(alone.rig.counts().waiting.read() == 0);
}

TEST_CASE("pause: when it ends without a word again the client hears of it") {
  Alone alone;
  alone.fail_once();
  alone.fail_again();
  std::string answer = alone.client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 502 "));
  CHECK(value_of(answer, "X-Gv-Error") == "upstream-closed");
  CHECK(alone.app.quiet());
  CHECK(alone.rig.counts().failed.read() == 1);
}

TEST_CASE("pause: an instance that turns out to be dead leaves the request to its successor") {
  Alone alone;
  FakeApp successor(base::GenerationId(1));
  REQUIRE(alone.client.send(get("/")));
  Peer side = alone.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  alone.app.close();
  side.close();
  REQUIRE(eventually([&] { return alone.app.cell().connect_failures.read() > 0; }));
  CHECK(alone.client.quiet());
  alone.rig.web.targets = {successor.endpoint()};
  alone.rig.publish();
  side = successor.accept();
  CHECK(side.read_past("\r\n\r\n").starts_with("GET / "));
  REQUIRE(side.send(ok("ok")));
  CHECK(alone.client.read_message().ends_with("ok"));
  CHECK(alone.rig.counts().failed.read() == 0);
}

TEST_CASE("pause: without hold there is none") {
  Alone alone;
  alone.rig.web.hold = 0s;
  alone.rig.publish();
  alone.fail_once();
  Peer side = alone.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok")));
  CHECK(alone.client.read_message().ends_with("ok"));
  CHECK(alone.rig.counts().held.read() == 0);
}

TEST_CASE("pause: an app for which nothing may wait is asked again all the same") {
  Alone alone;
  alone.rig.options.hold_requests = 0;
  alone.rig.publish();
  alone.fail_once();
  Peer side = alone.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("ok")));
  CHECK(alone.client.read_message().ends_with("ok"));
}

TEST_CASE("pause: a client that leaves meanwhile is forgotten") {
  Alone alone;
  alone.fail_once();
  alone.client.reset();
  CHECK(eventually([&] {
    return alone.rig.counts().waiting.read() == 0 && alone.app.cell().leases.read() == 0 &&
           alone.rig.counts().requests.read() == 1;
  }));
  CHECK(alone.rig.counts().failed.read() == 0);
}

}  // namespace
}  // namespace gracevisor::test
