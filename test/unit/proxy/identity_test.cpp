// Who a request is from and what it is called: forwarding fields, X-Request-ID, header rules, the path.
#include <algorithm>

#include "passing.h"

namespace gracevisor::test {
namespace {

using Underscores = config::ProxyOptions::Underscores;

const std::string kClaims =
    "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n"
    "X-Forwarded-Port: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n";

bool is_made(const std::string& id) {
  return id.size() == 32 && std::all_of(id.begin(), id.end(), [](char c) {
           return std::string("0123456789abcdef").find(c) != std::string::npos;
         });
}

TEST_CASE("identity: what a stranger claims about forwarding is replaced or removed") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  std::string head = pass(rig, app, get("/", kClaims)).request;
  CHECK(value_of(head, "X-Forwarded-For") == "127.0.0.1");
  CHECK(value_of(head, "X-Forwarded-Proto") == "http");
  CHECK(value_of(head, "X-Forwarded-Host") == "example.com");
  for (const char* gone : {"X-Forwarded-Port", "Forwarded", "X-Real-IP"}) {
    CAPTURE(gone);
    CHECK(value_of(head, gone) == "(none)");
  }
  CHECK(head.find("6.6.6.6") == std::string::npos);
}

TEST_CASE("identity: what a trusted proxy says is kept, and the way is extended") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.listener.trusted_proxies = {{*base::Address::parse("127.0.0.0:0"), 8}};
  rig.publish();
  std::string head = pass(rig, app, get("/", kClaims)).request;
  CHECK(value_of(head, "X-Forwarded-For") == "6.6.6.6, 127.0.0.1");
  CHECK(value_of(head, "X-Forwarded-Proto") == "https");
  CHECK(value_of(head, "X-Forwarded-Host") == "evil");
  CHECK(value_of(head, "X-Forwarded-Port") == "1");
  CHECK(value_of(head, "Forwarded") == "for=6.6.6.6");
  CHECK(value_of(head, "X-Real-IP") == "6.6.6.6");
  rig.listener.trusted_proxies = {{*base::Address::parse("10.0.0.0:0"), 8}};
  rig.publish();
  CHECK(value_of(pass(rig, app, get("/", kClaims)).request, "X-Forwarded-For") == "127.0.0.1");
}

TEST_CASE("identity: a target of https is taken from a trusted proxy alone, and the app hears of it") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  const auto request = [](const std::string& fields) {
    return "GET https://example.com/x HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n";
  };
  Peer stranger = rig.connect();
  REQUIRE(stranger.send(request("")));
  CHECK(value_of(stranger.read_message(), "X-Gv-Error") == "https-target");
  rig.listener.trusted_proxies = {{*base::Address::parse("127.0.0.0:0"), 8}};
  rig.publish();
  for (const char* fields : {"", "X-Forwarded-Proto: https\r\n"}) {
    std::string head = pass(rig, app, request(fields)).request;
    CHECK(head.starts_with("GET /x HTTP/1.1\r\nHost: example.com\r\n"));
    CHECK(value_of(head, "X-Forwarded-Proto") == "https");
  }
  Peer differing = rig.connect();
  REQUIRE(differing.send(request("X-Forwarded-Proto: http\r\n")));
  CHECK(value_of(differing.read_message(), "X-Gv-Error") == "two-schemes");
  CHECK(app.quiet());
}

TEST_CASE("identity: X-Gv-Error is ours, and what an app or a client says under that name is not") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  auto passed = pass(rig, app, get("/", "X-Gv-Candidate: 1\r\nX-Gv-Error: a\r\n"),
                     ok("ok", "X-Gv-Error: forged\r\nConnection: close, X-Gv-Error\r\n"));
  CHECK(value_of(passed.request, "X-Gv-Candidate") == "(none)");
  CHECK(value_of(passed.request, "X-Gv-Error") == "(none)");
  CHECK(value_of(passed.response, "X-Gv-Error") == "(none)");
  CHECK(value_of(passed.response, "X-Gv-App-Error") == "forged");
}

TEST_CASE("identity: a sound X-Request-ID is passed on as it is") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  for (const std::string& id : {std::string("7"), std::string("a-B_9.~+/=:@,"), std::string(128, 'x')}) {
    CAPTURE(id);
    CHECK(value_of(pass(rig, app, get("/", "x-request-id: " + id + "\r\n")).request, "X-Request-ID") == id);
  }
}

TEST_CASE("identity: a request without a sound X-Request-ID gets one, another each time") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  std::vector<std::string> seen;
  for (const std::string& fields :
       {std::string(), std::string("X-Request-ID: a\r\nX-Request-ID: a\r\n"),
        std::string("X-Request-ID:\r\n"), std::string("X-Request-ID: a b\r\n"),
        std::string("X-Request-ID: a\"b\r\n"), std::string("X-Request-ID: $(id)\r\n"),
        std::string("X-Request-ID: \xc3\xa4\r\n"), "X-Request-ID: " + std::string(129, 'x') + "\r\n",
        std::string()}) {
    CAPTURE(fields);
    std::string id = value_of(pass(rig, app, get("/", fields)).request, "X-Request-ID");
    CHECK(is_made(id));
    CHECK(std::find(seen.begin(), seen.end(), id) == seen.end());
    seen.push_back(id);
  }
}

TEST_CASE(
    "identity: our own answers carry the request's id, in the head and in what people and programs read") {
  ProxyRig rig;  // stopped
  const std::string own = "X-Request-ID: from-client\r\n";
  std::string html = answer_to(rig, get("/", own + "Accept: text/html\r\n"));
  CHECK(value_of(html, "X-Request-ID") == "from-client");
  CHECK(body_of(html).find("from-client") != std::string::npos);
  std::string json = answer_to(rig, get("/", own + "Accept: application/json\r\n"));
  CHECK(value_of(json, "X-Request-ID") == "from-client");
  CHECK(body_of(json).find(R"("request_id":"from-client")") != std::string::npos);
  std::string made = answer_to(rig, get("/", "Accept: application/json\r\n"));
  std::string id = value_of(made, "X-Request-ID");
  CHECK(is_made(id));
  CHECK(body_of(made).find("\"" + id + "\"") != std::string::npos);
  // A head that is not read to its end has one too.
  CHECK(is_made(value_of(answer_to(rig, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "X-Request-ID")));
}

TEST_CASE("header rules: of a request, set replaces and remove removes, whatever the case") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_headers.set = {{"x-forwarded-proto", "https"},
                                     {"X-Added", "a b"},
                                     {"X-Request-ID", "fixed"},
                                     {"Via", "1.1 hidden"},
                                     {"Authorization", ""}};
  rig.options.request_headers.remove = {"cookie", "X-FORWARDED-FOR", "X-Forwarded-Host"};
  rig.publish();
  std::string head = pass(rig, app,
                          get("/",
                              "Cookie: a=1\r\ncookie: b=2\r\nX-Added: theirs\r\nx-added: theirs\r\n"
                              "Authorization: Basic x\r\nVia: 1.0 before\r\nX-Kept: 1\r\n"))
                         .request;
  CHECK(value_of(head, "X-Forwarded-Proto") == "https");
  CHECK(value_of(head, "X-Added") == "a b");
  CHECK(value_of(head, "X-Request-ID") == "fixed");
  CHECK(value_of(head, "Via") == "1.1 hidden");
  CHECK(value_of(head, "Authorization").empty());
  CHECK(value_of(head, "X-Kept") == "1");
  for (const char* gone : {"Cookie", "X-Forwarded-For", "X-Forwarded-Host"}) {
    CAPTURE(gone);
    CHECK(value_of(head, gone) == "(none)");
  }
  CHECK(head.find("theirs") == std::string::npos);
}

TEST_CASE("header rules: of a response, every line of a name is meant, and our own answers are not") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.response_headers.set = {{"server", "gv"}, {"X-Frame-Options", "DENY"}, {"Date", "then"}};
  rig.options.response_headers.remove = {"Set-Cookie"};
  rig.publish();
  std::string response = pass(rig, app, get("/"),
                              ok("ok",
                                 "Connection: close\r\nSet-Cookie: a=1\r\nServer: x/1\r\nset-cookie: "
                                 "b=2\r\nX-Kept: 1\r\nDate: now\r\n"))
                             .response;
  CHECK(response.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(values_of(response, "Set-Cookie").empty());
  CHECK(value_of(response, "Server") == "gv");
  CHECK(value_of(response, "X-Frame-Options") == "DENY");
  CHECK(value_of(response, "Date") == "then");
  CHECK(value_of(response, "X-Kept") == "1");
  CHECK(body_of(response) == "ok");
  rig.web.mode = routing::AppMode::stopped;
  rig.web.targets.clear();
  rig.publish();
  CHECK(value_of(answer_to(rig, get("/")), "X-Frame-Options") == "(none)");
}

TEST_CASE("underscores: such names are dropped, passed or refused") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  const std::string request = get("/", "X_User: root\r\nX-User: ada\r\n");
  CHECK(value_of(pass(rig, app, request).request, "X_User") == "(none)");
  rig.options.underscore_headers = Underscores::pass;
  rig.publish();
  CHECK(value_of(pass(rig, app, request).request, "X_User") == "root");
  rig.options.underscore_headers = Underscores::reject;
  rig.publish();
  std::string refused = answer_to(rig, request);
  CHECK(refused.starts_with("HTTP/1.1 400 "));
  CHECK(value_of(refused, "X-Gv-Error") == "underscore-header");
  CHECK(app.quiet());
  CHECK(value_of(pass(rig, app, get("/", "X-User: a_b\r\n")).request, "X-User") == "a_b");
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("via: is added to what came, unless the app wants none") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  const std::string request = get("/", "Via: 1.0 before\r\n");
  CHECK(values_of(pass(rig, app, request).request, "Via") ==
        std::vector<std::string>{"1.0 before", "1.1 gracevisor"});
  rig.options.via = false;
  rig.publish();
  CHECK(value_of(pass(rig, app, request).request, "Via") == "1.0 before");
}

TEST_CASE("strip_path: the app sees the path without its route's") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.strip_path = true;
  rig.routes = {{"", "/api", rig.web.id}};
  rig.publish();
  struct Row {
    const char* sent;
    const char* seen;
  };
  for (Row row : {Row{"/api", "/"}, Row{"/api/", "/"}, Row{"/api?x=/api", "/?x=/api"},
                  Row{"/api/x?y", "/x?y"}, Row{"/api/api", "/api"}, Row{"/api//x", "//x"},
                  Row{"/api/%2e%2e/x", "/%2e%2e/x"}, Row{"http://example.com/api/x", "/x"},
                  Row{"http://example.com/api", "/"}, Row{"http://example.com/api?q", "/?q"}}) {
    CAPTURE(row.sent);
    CHECK(first_line(pass(rig, app, get(row.sent)).request) == "GET " + std::string(row.seen) + " HTTP/1.1");
  }
  CHECK(answer_to(rig, get("/apix")).starts_with("HTTP/1.1 404 "));
  rig.options.strip_path = false;
  rig.publish();
  CHECK(first_line(pass(rig, app, get("/api/x")).request) == "GET /api/x HTTP/1.1");
}

TEST_CASE("strip_path: a route for every path takes nothing away") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.strip_path = true;
  rig.publish();
  CHECK(first_line(pass(rig, app, get("/x/y?z")).request) == "GET /x/y?z HTTP/1.1");
  CHECK(first_line(pass(rig, app, get("http://example.com?z")).request) == "GET /?z HTTP/1.1");
  CHECK(first_line(pass(rig, app, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request) == "OPTIONS * HTTP/1.1");
}

}  // namespace
}  // namespace gracevisor::test
