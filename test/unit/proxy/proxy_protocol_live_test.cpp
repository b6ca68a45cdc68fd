// A listener behind a load balancer that says who the client is.
#include "passing.h"

namespace gracevisor::test {
namespace {

const std::string kFrom = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
// LOCAL: the balancer speaks for itself.
const std::string kLocal("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
const std::string kFrom6(
    "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\xdc\x04\x01\xbb",
    52);

struct Behind {
  FakeApp app;
  ProxyRig rig{{app.endpoint()}};
  Behind() {
    rig.listener.proxy_protocol = true;
    rig.publish();
  }
};

TEST_CASE(
    "proxy protocol: the told client is the one that the app hears of, whatever comes with the header") {
  Behind behind;
  for (const auto& [header, client] : {std::pair{kFrom, "192.0.2.7"},
                                       {kFrom6, "2001:db8::1"},
                                       {kLocal, "127.0.0.1"},
                                       {std::string("PROXY UNKNOWN\r\n"), "127.0.0.1"}}) {
    CAPTURE(client);
    std::string head =
        pass(behind.rig, behind.app, header + get("/", "X-Forwarded-For: 6.6.6.6\r\n")).request;
    CHECK(value_of(head, "X-Forwarded-For") == client);
  }
  CHECK(pass(behind.rig, behind.app, kFrom + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc")
            .response.ends_with("ok"));
}

TEST_CASE("proxy protocol: a header may come in pieces, and the request after it") {
  Behind behind;
  for (const std::string& header : {kFrom, kFrom6}) {
    Peer client = behind.rig.connect();
    for (char c : header) REQUIRE(client.send({&c, 1}));
    REQUIRE(client.send(get("/split")));
    Peer side = behind.app.accept();
    CHECK(side.read_past("\r\n\r\n").starts_with("GET /split "));
    REQUIRE(side.send(ok("ok")));
    CHECK(client.read_message().ends_with("ok"));
    // It is said once for the whole connection.
    REQUIRE(client.send(get("/second")));
    std::string head = side.read_past("\r\n\r\n");
    CHECK(head.starts_with("GET /second "));
    CHECK(value_of(head, "X-Forwarded-For") == (header == kFrom ? "192.0.2.7" : "2001:db8::1"));
    REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
    CHECK(client.read_message().ends_with("ok"));
  }
}

TEST_CASE("proxy protocol: a connection without a header is closed without a word") {
  Behind behind;
  for (const std::string& bytes : {get("/"), std::string("PROXY TCP4 x y 1 2\r\n") + get("/"),
                                   "PROXY " + std::string(200, 'x'), std::string("\r\n\r\n") + get("/")}) {
    CAPTURE(bytes);
    Peer client = behind.rig.connect();
    REQUIRE(client.send(bytes));
    CHECK(client.read_to_end().empty());
    CHECK(client.end() != End::open);
  }
  Peer quitter = behind.rig.connect();
  REQUIRE(quitter.send(kFrom.substr(0, 20)));
  quitter.finish_writing();
  CHECK(quitter.read_to_end().empty());
  CHECK(behind.app.quiet());
  CHECK(behind.rig.counts().requests.read() == 0);
}

TEST_CASE("proxy protocol: a second header is no request") {
  Behind behind;
  CHECK(answer_to(behind.rig, kFrom + kFrom + get("/")).starts_with("HTTP/1.1 400 "));
  CHECK(behind.app.quiet());
}

TEST_CASE("proxy protocol: without the option the header is no request either") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  CHECK(answer_to(rig, kFrom + get("/")).starts_with("HTTP/1.1 400 "));
  CHECK(app.quiet());
}

TEST_CASE("proxy protocol: trusted_proxies judges by the told address") {
  Behind behind;
  const std::string claim = "X-Forwarded-For: 6.6.6.6\r\n";
  behind.rig.listener.trusted_proxies = {{*base::Address::parse("192.0.2.0:0"), 24}};
  behind.rig.publish();
  CHECK(value_of(pass(behind.rig, behind.app, kFrom + get("/", claim)).request, "X-Forwarded-For") ==
        "6.6.6.6, 192.0.2.7");
  CHECK(value_of(pass(behind.rig, behind.app, kFrom6 + get("/", claim)).request, "X-Forwarded-For") ==
        "2001:db8::1");
  // That the balancer itself is trusted makes none of its clients so.
  behind.rig.listener.trusted_proxies = {{*base::Address::parse("127.0.0.0:0"), 8}};
  behind.rig.publish();
  CHECK(value_of(pass(behind.rig, behind.app, kFrom + get("/", claim)).request, "X-Forwarded-For") ==
        "192.0.2.7");
  CHECK(value_of(pass(behind.rig, behind.app, kLocal + get("/", claim)).request, "X-Forwarded-For") ==
        "6.6.6.6, 127.0.0.1");
}

TEST_CASE("proxy protocol: connections are counted for the told client") {
  Behind behind;
  behind.rig.listener.max_connections_per_client = 1;
  behind.rig.publish();
  auto from = [](int last) { return "PROXY TCP4 10.0.0." + std::to_string(last) + " 10.0.0.99 1 2\r\n"; };
  Peer first = behind.rig.connect();
  REQUIRE(first.send(from(1) + get("/")));
  Peer side = behind.app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  Peer second = behind.rig.connect();
  REQUIRE(second.send(from(1) + get("/")));
  CHECK(value_of(second.read_message(), "X-Gv-Error") == "too-many-connections");
  CHECK(pass(behind.rig, behind.app, from(2) + get("/")).response.ends_with("ok"));
}

}  // namespace
}  // namespace gracevisor::test
