// Answers that need no instance: the last hop of OPTIONS, and error pages for browsers.
#include "passing.h"

namespace gracevisor::test {
namespace {

std::string options(const std::string& fields) {
  return "OPTIONS / HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n";
}

const std::string kPage = "<h1>Sorry &amp; soon back</h1>";

config::ErrorPage page(int first, int last, const std::string& html) {
  return {{first, last}, "/x.html", html};
}

TEST_CASE("rule 36: at the last hop we answer ourselves, and the connection goes on") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  Peer client = rig.connect();
  REQUIRE(client.send(options("Max-Forwards: 0\r\n")));
  std::string answer = client.read_message();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(value_of(answer, "Allow") == "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  CHECK(value_of(answer, "X-Gv-Error") == "(none)");
  CHECK(value_of(answer, "Content-Length") == "0");
  CHECK(app.quiet());
  REQUIRE(client.send(get("/next")));
  Peer side = app.accept();
  CHECK(side.read_past("\r\n\r\n").starts_with("GET /next "));
  CHECK(app.cell().leases.read() == 1);
  CHECK(rig.counts().failed.read() == 0);
}

TEST_CASE("rule 36: that answer needs neither an app that runs nor a route") {
  ProxyRig rig;  // stopped
  CHECK(answer_to(rig, options("Max-Forwards: 0\r\n")).starts_with("HTTP/1.1 200 "));
  rig.routes = {{"other.example", "/", rig.web.id}};
  rig.publish();
  CHECK(answer_to(rig, options("Max-Forwards: 0\r\n")).starts_with("HTTP/1.1 200 "));
}

TEST_CASE("rule 36: before the last hop Max-Forwards is counted down, elsewhere it is left alone") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  CHECK(value_of(pass(rig, app, options("Max-Forwards: 3\r\n")).request, "Max-Forwards") == "2");
  CHECK(value_of(pass(rig, app, options("Max-Forwards: 1\r\n")).request, "Max-Forwards") == "0");
  CHECK(value_of(pass(rig, app, options("")).request, "Max-Forwards") == "(none)");
  CHECK(value_of(pass(rig, app, get("/", "Max-Forwards: 0\r\n")).request, "Max-Forwards") == "0");
}

TEST_CASE("error pages: browsers get the page, everybody else what they ask for") {
  ProxyRig rig;  // stopped: 503
  rig.options.error_pages = {page(500, 599, kPage)};
  rig.publish();
  for (const char* browser :
       {"text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}) {
    std::string answer = answer_to(rig, get("/", "Accept: " + std::string(browser) + "\r\n"));
    CHECK(answer.starts_with("HTTP/1.1 503 "));
    CHECK(value_of(answer, "Content-Type") == "text/html; charset=utf-8");
    CHECK(value_of(answer, "X-Gv-Error") == "stopped");
    CHECK(value_of(answer, "Content-Length") == std::to_string(kPage.size()));
    CHECK(body_of(answer) == kPage);
  }
  for (const char* other : {"", "Accept: */*\r\n", "Accept: text/plain\r\n", "Accept: text/html;q=0\r\n"}) {
    CAPTURE(other);
    std::string answer = answer_to(rig, get("/", other));
    CHECK(value_of(answer, "Content-Type") == "text/plain; charset=utf-8");
    CHECK(body_of(answer).starts_with("The app is stopped."));
  }
  for (const char* program : {"application/json", "application/json, text/html;q=0.5"}) {
    CAPTURE(program);
    std::string json = answer_to(rig, get("/", "Accept: " + std::string(program) + "\r\n"));
    CHECK(value_of(json, "Content-Type") == "application/json");
    CHECK(body_of(json).starts_with(R"({"error":"stopped",)"));
  }
}

TEST_CASE("error pages: HEAD gets the page's head alone") {
  ProxyRig rig;
  rig.options.error_pages = {page(500, 599, kPage)};
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("HEAD / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\nConnection: close\r\n\r\n"));
  std::string answer = client.read_to_end();
  CHECK(value_of(answer, "Content-Length") == std::to_string(kPage.size()));
  CHECK(body_of(answer).empty());
}

TEST_CASE("error pages: the narrowest one counts, ours where there is none") {
  ProxyRig rig;
  rig.options.error_pages = {page(400, 599, "any"), page(503, 503, "exact"), page(500, 599, "server")};
  rig.publish();
  const std::string browser = "Accept: text/html\r\n";
  CHECK(body_of(answer_to(rig, get("/", browser))) == "exact");
  rig.options.error_pages = {page(500, 502, "x"), page(504, 599, "y"), page(400, 499, "z")};
  rig.publish();
  CHECK(body_of(answer_to(rig, get("/", browser))).starts_with("<!doctype html>"));
  // Of what the app's clients do wrong as well, once it is known whose they are.
  rig.options.underscore_headers = config::ProxyOptions::Underscores::reject;
  rig.publish();
  CHECK(body_of(answer_to(rig, get("/", browser + "A_B: c\r\n"))) == "z");
}

TEST_CASE("error pages: what the app answers is its own business") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.error_pages = {page(500, 599, kPage)};
  rig.publish();
  std::string response =
      pass(rig, app, get("/", "Accept: text/html\r\n"),
           "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntheir")
          .response;
  CHECK(body_of(response) == "their");
}

}  // namespace
}  // namespace gracevisor::test
