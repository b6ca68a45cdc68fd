// Rules 42 to 47, 55 and 59: which host and which resource a request is for, and what is answered without
// asking an instance.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

std::string to_host(const std::string& host) {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

TEST_CASE("rule 42: HTTP/1.1 needs exactly one valid Host") {
  std::vector<Refused> table{
      {"none", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400, "bad-host"},
      {"two equal ones", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, "bad-host"},
      {"two on 1.0", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400, "bad-host"}};
  for (const char* host : {"a, b", "u@h",  "h/p",    "h:99999", "h:0",       "h:80:80", "a b",  ":80",
                           "[::1", "::1",  "[::1]x", "h::",     "h:+1",      "h:8o",    "\xff", "h?",
                           "h#",   "a..b", ".h",     "[]",      "[1.2.3.4]", "h\\",     "%68"}) {
    table.push_back({host, to_host(host), 400, "bad-host"});
  }
  check_requests_refused(table);
  for (const char* host :
       {"h", "H.Example", "h.", "h:1", "h:65535", "[::1]", "[::1]:8080", "127.0.0.1:80", "a-b_c"}) {
    CHECK(forwarded(to_host(host)).find("\r\nHost: " + std::string(host) + "\r\n") != std::string::npos);
  }
}

TEST_CASE("rule 42: hosts are routed without regard to case, port and final dot") {
  RuleRig rig;
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  RawEnd& client = rig.connect();
  for (const char* host :
       {"known.example", "KNOWN.Example", "known.example:8080", "known.example.", "known.example.:1"}) {
    CAPTURE(std::string(host));
    rig.ask(client, to_host(host));
    rig.answer(ok("served"));
    CHECK(client.take().ends_with("served"));
  }
  for (const char* host : {"known.exampl", "xknown.example", "a.known.example", "known.example.com"}) {
    CAPTURE(std::string(host));
    rig.ask(client, to_host(host));
    CHECK(client.take().starts_with("HTTP/1.1 404 "));
  }
}

TEST_CASE("rule 43: absolute-form is reduced, and its authority must be Host's") {
  std::string seen = forwarded("GET http://other:80/x?y HTTP/1.1\r\nHost: OTHER:80\r\n\r\n");
  CHECK(seen.starts_with("GET /x?y HTTP/1.1\r\nHost: other:80\r\n"));
  seen = forwarded("GET HTTP://other/x HTTP/1.0\r\n\r\n");
  CHECK(seen.starts_with("GET /x HTTP/1.1\r\nHost: other\r\n"));
  std::vector<Refused> table;
  for (const char* target : {"http://other/x", "http://h:81/", "http://u@h/", "http://h:0/", "http:///x",
                             "https://h/", "ftp://h/", "http:/h/", "h/x", "http://h#f"}) {
    table.push_back({target, "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"});
  }
  check_requests_refused(table);
}

TEST_CASE("rule 46: an empty port is none") {
  CHECK(forwarded("GET / HTTP/1.1\r\nHost: h:\r\n\r\n").starts_with("GET / HTTP/1.1\r\nHost: h\r\n"));
  CHECK(forwarded("GET http://h:/x HTTP/1.1\r\nHost: h:80\r\n\r\n")
            .starts_with("GET /x HTTP/1.1\r\nHost: h\r\n"));
}

TEST_CASE("rule 43: absolute-form is routed by its authority") {
  RuleRig rig;
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  RawEnd& client = rig.ask("GET http://known.example/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(rig.forwarded().starts_with("GET /x "));
  rig.answer(ok("x"));
  CHECK(client.take().ends_with("x"));
  rig.ask(client, "GET http://unknown.example/x HTTP/1.0\r\n\r\n");
  CHECK(client.take().starts_with("HTTP/1.1 404 "));
}

TEST_CASE("rule 44: the asterisk is for OPTIONS alone") {
  CHECK(forwarded("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("OPTIONS * HTTP/1.1\r\nHost: h\r\n"));
  CHECK(forwarded("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n")
            .starts_with("OPTIONS * HTTP/1.1\r\nHost: h\r\n"));
  check_requests_refused(
      {{"GET", "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target"},
       {"POST", "POST * HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 400, "bad-target"},
       {"more", "OPTIONS *x HTTP/1.1\r\nHost: h\r\n\r\n", 400, "bad-target"}});
}

void check_not_allowed(const std::string& request) {
  RuleRig rig;
  Wire wire = read_responses(rig.ask(request).received(), End::finished);
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].status() == 405);
  CHECK(wire.messages[0].field("Allow") != "");
  CHECK(wire.messages[0].field("Connection") == "close");
  CHECK(wire.messages[0].content.find("secret") == std::string::npos);
  CHECK(rig.app_connections() == 0);
}

TEST_CASE("rule 45: CONNECT is not allowed, and says what is") {
  check_not_allowed("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
  check_requests_refused(
      {{"authority-form", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\nsecret", 405},
       {"with a body", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", 405}});
}

TEST_CASE("rule 46: an empty Host cannot be routed") {
  check_requests_refused(
      {{"empty", to_host(""), 400, "bad-host"}, {"blank", to_host(" \t"), 400, "bad-host"}});
}

TEST_CASE("rule 47: HTTP/1.0 without Host goes to the app of every host, or nowhere") {
  RuleRig rig;
  RawEnd& client = rig.ask("GET / HTTP/1.0\r\n\r\n");
  rig.answer(ok("default"));
  CHECK(client.received().ends_with("default"));
  rig.routes = {{"known.example", "/", rig.web.id}};
  rig.publish();
  CHECK(rig.ask("GET / HTTP/1.0\r\n\r\n").received().starts_with("HTTP/1.1 404 "));
}

TEST_CASE("rule 55: expectations other than 100-continue are refused") {
  check_requests_refused(
      {{"another", get("/", "Expect: x\r\n"), 417, "unknown-expectation"},
       {"a list", get("/", "Expect: 100-continue, x\r\n"), 417, "unknown-expectation"},
       {"two lines", get("/", "Expect: 100-continue\r\nExpect: x\r\n"), 417, "unknown-expectation"}});
  CHECK(forwarded("GET / HTTP/1.0\r\nHost: h\r\nExpect: x\r\n\r\n").find("Expect") == std::string::npos);
}

TEST_CASE("rule 59: TRACE is not allowed, and echoes nothing") {
  check_not_allowed("TRACE / HTTP/1.1\r\nHost: h\r\nCookie: secret\r\n\r\n");
}

}  // namespace
}  // namespace gracevisor::test
