#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "http/forward.h"
#include "unit/http/reading.h"

namespace gracevisor::http::testing {

namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kDateLine = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

struct Forwarded {
  ResponsePlan plan;
  std::string head;
};

Forwarded forward(std::string_view bytes, int client_minor = 1, bool client_keep_alive = true,
                  Method method = Method::get) {
  const ResponseHead head = accept_response(bytes, method);
  const ResponseForward how{
      .client_minor = client_minor, .client_keep_alive = client_keep_alive, .date = kDate};
  Forwarded result;
  result.plan = plan_response(head, how);
  write_response_head(head, result.plan, how, result.head);
  return result;
}

}  // namespace

TEST_CASE("forward rule 1: a response goes out with our own version") {
  CHECK(forward("HTTP/1.0 200 Fine\r\nContent-Length: 2\r\n\r\n").head ==
        "HTTP/1.1 200 Fine\r\n" + kDateLine + "Content-Length: 2\r\n\r\n");
  CHECK(forward("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n").head ==
        "HTTP/1.1 200 \r\n" + kDateLine + "Content-Length: 2\r\n\r\n");
}

TEST_CASE("forward rules 10 and 28: a chunked response stays chunked for a client of HTTP/1.1") {
  const Forwarded result = forward(ok_with("transfer-encoding: Chunked\r\n"));
  CHECK(result.head == "HTTP/1.1 200 OK\r\n" + kDateLine + "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(result.plan.framing.kind == Framing::Kind::chunked);
  CHECK(result.plan.keep_alive);
}

TEST_CASE("forward: a chunked response to a client of HTTP/1.0 ends with its connection") {
  const Forwarded result = forward(ok_with("Transfer-Encoding: chunked\r\n"), 0);
  CHECK(result.head == "HTTP/1.1 200 OK\r\n" + kDateLine + "Connection: close\r\n\r\n");
  CHECK(result.plan.framing.kind == Framing::Kind::until_close);
  CHECK_FALSE(result.plan.keep_alive);
}

TEST_CASE(
    "forward rule 51: a response without framing is chunked for 1.1 clients and closes for 1.0 clients") {
  const Forwarded modern = forward("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(modern.head == "HTTP/1.1 200 OK\r\n" + kDateLine + "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(modern.plan.framing.kind == Framing::Kind::chunked);
  CHECK(modern.plan.keep_alive);
  const Forwarded old = forward("HTTP/1.0 200 OK\r\n\r\n", 0);
  CHECK(old.head == "HTTP/1.1 200 OK\r\n" + kDateLine + "Connection: close\r\n\r\n");
  CHECK(old.plan.framing.kind == Framing::Kind::until_close);
  CHECK_FALSE(old.plan.keep_alive);
}

TEST_CASE("forward rule 60: the client's connection goes on as planned and announced") {
  CHECK(forward(ok_with("Content-Length: 2\r\n"), 1, false).head.ends_with("\r\nConnection: close\r\n\r\n"));
  CHECK_FALSE(forward(ok_with("Content-Length: 2\r\n"), 1, false).plan.keep_alive);
  CHECK(forward(ok_with("Content-Length: 2\r\n"), 0, true)
            .head.ends_with("\r\nConnection: keep-alive\r\n\r\n"));
  CHECK(forward(ok_with("Content-Length: 2\r\n"), 0, false).head.ends_with("\r\nConnection: close\r\n\r\n"));
  // The app's own wish is about its own connection.
  const Forwarded app_closes = forward(ok_with("Content-Length: 2\r\nConnection: close\r\n"));
  CHECK(app_closes.plan.keep_alive);
  CHECK(app_closes.head.find("Connection") == std::string::npos);
}

TEST_CASE("forward rules 29 to 31: fields of one hop end here in responses too") {
  const Forwarded result = forward(ok_with(
      "Connection: X-A, Set-Cookie, Content-Length\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
      "Proxy-Authenticate: x\r\nTrailer: X\r\nTE: y\r\nProxy-Connection: z\r\nContent-Length: 2\r\n"
      "Set-Cookie: a\r\n"));
  CHECK(result.head == "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n" + kDateLine + "Content-Length: 2\r\n\r\n");
}

TEST_CASE("forward rule 33: fields of one name stay separate lines in their order") {
  const Forwarded result = forward(
      ok_with("Set-Cookie: b=2\r\nx_y: 1\r\nset-cookie: a=1\r\nSet-Cookie: c\r\nContent-Length: 0\r\n"));
  CHECK(result.head ==
        "HTTP/1.1 200 OK\r\nSet-Cookie: b=2\r\nx_y: 1\r\nset-cookie: a=1\r\nSet-Cookie: c\r\n" + kDateLine +
            "Content-Length: 0\r\n\r\n");
}

TEST_CASE("forward rule 37: Date is added where it is missing, and only there") {
  CHECK(forward(ok_with("date: x\r\nContent-Length: 0\r\n")).head ==
        "HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("forward rule 39: WWW-Authenticate and Allow pass byte for byte, though Connection names them") {
  const Forwarded result = forward(ok_with(
      "Connection: WWW-Authenticate, Allow\r\nWWW-Authenticate: Basic realm=\"x\"\r\nAllow: GET,  PUT\r\n"
      "Content-Length: 0\r\n"));
  CHECK(result.head == "HTTP/1.1 200 OK\r\nWWW-Authenticate: Basic realm=\"x\"\r\nAllow: GET,  PUT\r\n" +
                           kDateLine + "Content-Length: 0\r\n\r\n");
}

TEST_CASE("forward rule 49: a 204 goes out without framing") {
  for (const std::string_view field : {"Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n", ""}) {
    const Forwarded result = forward("HTTP/1.1 204 No Content\r\n" + std::string(field) + "\r\n");
    CHECK(result.head == "HTTP/1.1 204 No Content\r\n" + kDateLine + "\r\n");
    CHECK(result.plan.framing.kind == Framing::Kind::none);
    CHECK(result.plan.keep_alive);
  }
}

TEST_CASE("forward rule 50: framing fields of HEAD and 304 answers pass though there is no body") {
  CHECK(forward("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n").head ==
        "HTTP/1.1 304 x\r\n" + kDateLine + "Content-Length: 5\r\n\r\n");
  const auto head_request = [](std::string_view fields, int minor) {
    return forward(ok_with(fields), minor, true, Method::head);
  };
  CHECK(head_request("Content-Length: 5\r\n", 1).head ==
        "HTTP/1.1 200 OK\r\n" + kDateLine + "Content-Length: 5\r\n\r\n");
  CHECK(head_request("Transfer-Encoding: chunked\r\n", 1).head ==
        "HTTP/1.1 200 OK\r\n" + kDateLine + "Transfer-Encoding: chunked\r\n\r\n");
  CHECK(head_request("Transfer-Encoding: chunked\r\n", 0).head ==
        "HTTP/1.1 200 OK\r\n" + kDateLine + "Connection: keep-alive\r\n\r\n");
  CHECK(head_request("", 1).head == "HTTP/1.1 200 OK\r\n" + kDateLine + "\r\n");
}

TEST_CASE("forward rule 53: interim responses go out without framing and without a date of ours") {
  const ResponseHead head = accept_response(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: y\r\nContent-Length: 3\r\nLink: "
      "</b>\r\n\r\n");
  std::string out;
  write_interim_head(head, out);
  CHECK(out == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n");
}

TEST_CASE("forward rule 56: a 426 keeps what it asks for, named in Connection, but for h2c") {
  struct Row {
    std::string_view fields, out;
    int minor;
    bool keep_alive;
  };
  for (const Row& row :
       {Row{"Upgrade: websocket\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n", 1, true},
        Row{"Connection: Upgrade\r\nUpgrade: h2c , foo/2\r\nUpgrade: bar\r\n",
            "Upgrade: foo/2, bar\r\nConnection: Upgrade\r\n", 1, true},
        Row{"Upgrade: websocket\r\n", "Upgrade: websocket\r\nConnection: close, Upgrade\r\n", 1, false},
        Row{"Upgrade: x\r\n", "Upgrade: x\r\nConnection: keep-alive, Upgrade\r\n", 0, true},
        Row{"Upgrade: H2C\r\n", "", 1, true}, Row{"Upgrade: h2c;q=0\r\n", "", 1, true},
        Row{"Upgrade: H2C/1, h2cx, h2c ;a\r\n", "Upgrade: h2cx\r\nConnection: Upgrade\r\n", 1, true},
        Row{"Upgrade: ,\r\n", "", 1, true}, Row{"", "", 1, true}}) {
    CAPTURE(row.fields);
    const std::string bytes =
        "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n" + std::string(row.fields) + "\r\n";
    const Forwarded result = forward(bytes, row.minor, row.keep_alive);
    CHECK(result.head == "HTTP/1.1 426 Upgrade Required\r\n" + kDateLine + "Content-Length: 2\r\n" +
                             std::string(row.out) + "\r\n");
    CHECK(result.plan.keep_alive == row.keep_alive);
  }
  CHECK(forward(ok_with("Content-Length: 2\r\nUpgrade: websocket\r\n")).head.find("Upgrade") ==
        std::string::npos);
}

TEST_CASE("forward: X-Gv-Error of an app becomes X-Gv-App-Error and nothing else named X-Gv-… changes") {
  const std::string tail = kDateLine + "Content-Length: 2\r\n\r\n";
  CHECK(forward(ok_with("A: b\r\nx-gv-error:  no-route\r\nX-Gv-App-Error: inner\r\nX-Gv-Note: c\r\n"
                        "Content-Length: 2\r\n"))
            .head ==
        "HTTP/1.1 200 OK\r\nA: b\r\nX-Gv-App-Error: no-route\r\nX-Gv-App-Error: inner\r\n"
        "X-Gv-Note: c\r\n" +
            tail);
  const std::string bytes =
      "HTTP/1.1 103 Early Hints\r\nX-Gv-Error: no-route\r\nConnection: x-gv-error\r\n\r\n";
  std::string out;
  write_interim_head(accept_response(bytes), out);
  CHECK(out == "HTTP/1.1 103 Early Hints\r\nX-Gv-App-Error: no-route\r\n\r\n");
}

TEST_CASE("forward: rules for X-Gv-Error and for X-Gv-App-Error are about what an app says") {
  const std::string bytes = ok_with("X-Gv-Error: e\r\nContent-Length: 2\r\n");
  const ResponseHead head = accept_response(bytes);
  for (const std::string_view name : {"X-Gv-Error", "x-gv-app-error"}) {
    const std::vector<std::string> remove = {std::string(name)};
    const ResponseForward how{.date = kDate, .edits = {.set = {}, .remove = remove}};
    std::string out;
    write_response_head(head, plan_response(head, how), how, out);
    CHECK(out == "HTTP/1.1 200 OK\r\n" + kDateLine + "Content-Length: 2\r\n\r\n");
  }
}

// As a decoder of compressed fields has them: each exactly as large as its memory, so that the sanitizer
// finds every look beside one.
TEST_CASE("forward: fields that lie in no head are copied without a look at what is around them") {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"A", ""}, {"X-Long", "a value"}, {"B", "c"}};
  std::vector<std::vector<char>> memory;
  const auto place = [&memory](std::string_view text) {
    const std::vector<char>& exact = memory.emplace_back(text.begin(), text.end());
    return std::string_view(exact.data(), exact.size());
  };
  ResponseHead head;
  head.status = 200;
  head.reason = "OK";
  head.body = {.kind = Framing::Kind::length, .length = 2};
  for (const auto& [name, value] : texts) {
    head.fields.push_back({.name = FieldName::other, .text = place(name), .value = place(value)});
  }
  const ResponseForward how{.date = kDate};
  std::string out;
  write_response_head(head, plan_response(head, how), how, out);
  CHECK(out ==
        "HTTP/1.1 200 OK\r\nA: \r\nX-Long: a value\r\nB: c\r\n" + kDateLine + "Content-Length: 2\r\n\r\n");
}

}  // namespace gracevisor::http::testing
