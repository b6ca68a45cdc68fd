#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "http/body.h"
#include "http/forward.h"
#include "unit/http/reading.h"

namespace gracevisor::http::testing {

namespace {

std::string written(const OwnAnswer& answer) {
  std::string out;
  write_own_answer(answer, out);
  return out;
}

std::string body_of(const std::string& text) {
  return text.substr(text.find("\r\n\r\n") + 4);
}

std::string type_for(std::string_view accept) {
  const std::string out =
      written({.status = 503, .reason = Reason::no_route, .message = "m", .accept = accept, .date = ""});
  const ResponseHead head = accept_response(out);
  for (const Field& field : head.fields) {
    if (field.name == FieldName::content_type)
      return std::string(field.value.substr(0, field.value.find(';')));
  }
  return "";
}

}  // namespace

TEST_CASE("own answer: plain text, whole") {
  CHECK(
      written({.status = 503,
               .reason = Reason::hold_timeout,
               .message = "No instance is ready.",
               .accept = "",
               .head_request = false,
               .keep_alive = true,
               .retry_after = 1,
               .date = "D"}) ==
      "HTTP/1.1 503 Service Unavailable\r\nDate: D\r\nX-Gv-Error: hold-timeout\r\nCache-Control: no-store\r\n"
      "Retry-After: 1\r\nConnection: keep-alive\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 22\r\n\r\nNo instance is ready.\n");
}

TEST_CASE("own answer rule 65: an answer that closes says so, and a 405 says what is allowed") {
  const std::string out =
      written({.status = 405, .reason = Reason::no_route, .message = "m", .accept = "", .date = ""});
  CHECK(out.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(out.find("\r\nAllow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n") != std::string::npos);
  CHECK(out.find("Date") == std::string::npos);
  CHECK(out.find("Retry-After") == std::string::npos);
  CHECK(out.find("Server") == std::string::npos);
}

TEST_CASE("own answer: HEAD gets the same head without the body") {
  OwnAnswer answer{
      .status = 404, .reason = Reason::no_route, .message = "m", .accept = "text/html", .date = "D"};
  const std::string full = written(answer);
  answer.head_request = true;
  CHECK(written(answer) + body_of(full) == full);
}

TEST_CASE("own answer: the form is what Accept prefers") {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kRows = {{
      {"", "text/plain"},
      {"*/*", "text/plain"},
      {"image/png", "text/plain"},
      {"text/html", "text/html"},
      {"TEXT/HTML;charset=x", "text/html"},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"},
      {"application/json", "application/json"},
      {"application/json, text/html", "application/json"},
      {"text/html;q=0.5, application/json;q=0.9", "application/json"},
      {"text/html;q=0.5, application/json;q=0.45", "text/html"},
      {"application/json;q=0", "text/plain"},
      {"application/json;q=0.000", "text/plain"},
      {"application/json; v=1; q=1.000", "application/json"},
      {"text/plain, text/html", "text/plain"},
      {"text/html;q=x, application/json;q=0.001", "application/json"},
      {"text/html;q=, text/plain", "text/plain"},
      {"text/html;q=1x", "text/plain"},
      {"application/jsonx, text/htm", "text/plain"},
  }};
  for (const auto& [accept, type] : kRows) {
    CAPTURE(accept);
    CHECK(type_for(accept) == type);
    CHECK(type_for(answer_type(accept)) == type);
  }
}

TEST_CASE("own answer: JSON is escaped") {
  const std::string out = written({.status = 502,
                                   .reason = Reason::bad_head,
                                   .message = "x \\ \"y\" </script>\r\n\t\x01\xff",
                                   .accept = "application/json",
                                   .date = ""});
  const auto parsed = nlohmann::json::parse(body_of(out));
  CHECK(parsed.at("error") == "bad-head");
  CHECK(parsed.at("message") == "x \\ \"y\" </script>?????");
}

TEST_CASE("own answer: HTML is escaped") {
  const std::string body = body_of(written({.status = 502,
                                            .reason = Reason::bad_status_line,
                                            .message = "<b>\"&'\x80",
                                            .accept = "text/html",
                                            .date = ""}));
  CHECK(body.starts_with("<!doctype html>\n"));
  CHECK(body.find("<title>502 Bad Gateway</title>") != std::string::npos);
  CHECK(body.find("<p>&lt;b&gt;&quot;&amp;'?</p>") != std::string::npos);
  CHECK(body.find("<code>bad-status-line</code>") != std::string::npos);
}

TEST_CASE("own answer: no message can end a line of the head") {
  const std::string out =
      written({.status = 400, .reason = Reason::bad_head, .message = "m\r\n\r\n", .accept = "", .date = ""});
  CHECK(out.find("X-Gv-Error: bad-head\r\n") != std::string::npos);
  const ResponseHead head = accept_response(out);
  CHECK(head.body.length == body_of(out).size());
}

TEST_CASE("own answer: every form is a response whose length is right") {
  for (const std::string_view accept : {"", "text/html", "application/json"}) {
    for (const int status :
         {400, 404, 405, 408, 413, 414, 417, 431, 499, 500, 501, 502, 503, 504, 505, 508}) {
      const std::string out = written({.status = status,
                                       .reason = Reason::no_route,
                                       .message = "Message.",
                                       .accept = accept,
                                       .date = "D"});
      const ResponseReading reading = read_response(out);
      REQUIRE(reading.result.state == HeadState::complete);
      CHECK(reading.head.status == status);
      CHECK(reading.head.reason == reason_phrase(status));
      CHECK(reading.result.size + reading.head.body.length == out.size());
    }
  }
}

TEST_CASE("date: IMF-fixdate, made anew when the second changes") {
  using std::chrono::system_clock;
  const auto at = [](std::time_t second) { return system_clock::from_time_t(second); };
  DateCache cache;
  CHECK(cache.text(at(784111777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.text(at(784111777) + std::chrono::milliseconds(999)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(cache.text(at(784111778)) == "Sun, 06 Nov 1994 08:49:38 GMT");
  CHECK(cache.text(at(0)) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(cache.text(at(1709164800)) == "Thu, 29 Feb 2024 00:00:00 GMT");
}

}  // namespace gracevisor::http::testing
