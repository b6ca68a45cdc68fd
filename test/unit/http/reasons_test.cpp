#include "http/reasons.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "http/body.h"
#include "support/manual_page.h"
#include "unit/http/reading.h"

namespace gracevisor::http::testing {

namespace {

using test::roff;

// What the manual page must say of every reason, by status and then as the table has them.
std::string manual() {
  std::string out;
  std::set<int> statuses;
  for (const ReasonText& row : kReasons) statuses.insert(row.status);
  for (const int status : statuses) {
    for (const ReasonText& row : kReasons) {
      if (row.status != status || row.reason == Reason::none) continue;
      out += ".TP\n.BR " + roff(row.token) +
             (status == 0 ? " \" (cut)\"\n" : " \" (" + std::to_string(status) + ")\"\n");
      out += roff(row.sentence) + "\n";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("reasons: the manual page lists the whole table and nothing else") {
  // On failure: the left side is what belongs between the two remarks.
  CHECK(manual() == test::table_of("gracevisord/gracevisord.8", "lib/http/reasons.h"));
}

TEST_CASE("reasons: tokens are words of their own and sentences are whole") {
  std::set<std::string_view> tokens;
  for (const ReasonText& row : kReasons) {
    if (row.reason == Reason::none) continue;
    CAPTURE(row.token);
    CHECK(tokens.insert(row.token).second);
    CHECK_FALSE(row.token.empty());
    CHECK(std::all_of(row.token.begin(), row.token.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }));
    CHECK(row.sentence.ends_with('.'));
    CHECK((row.sentence.front() >= 'A' && row.sentence.front() <= 'Z'));
    CHECK(row.sentence.find_first_of("\"\\") == std::string_view::npos);
    CHECK((row.status == 0 || row.status >= 400));
  }
}

TEST_CASE("reasons: a refusal names the field and the byte that break the rule") {
  struct Row {
    std::string bytes;
    std::string_view token, field;
    int byte;
  };
  for (const Row& row :
       {Row{"X-A: a\x01\r\n", "control-byte", "X-A", 1}, Row{"X\xe4: b\r\n", "bad-field-name", "X", 0xe4},
        Row{"X-B : b\r\n", "space-before-colon", "X-B", ' '}, Row{"X-C: c\n", "bare-lf", "X-C", -1},
        Row{"X-D: " + std::string(20000, 'd') + "\r\n", "field-too-large", "X-D", -1},
        Row{"Content-Length: x\r\n", "bad-length", "Content-Length", -1},
        Row{"Transfer-Encoding: x\r\n", "bad-transfer-encoding", "Transfer-Encoding", -1}}) {
    CAPTURE(row.token);
    const std::string request = get_with(row.bytes);
    const std::string response = ok_with(row.bytes);
    for (const HeadResult& result : {read_request(request).result, read_response(response).result}) {
      REQUIRE(result.state == HeadState::refused);
      CHECK(result.refusal.token() == row.token);
      CHECK(result.refusal.field == row.field);
      CHECK(result.refusal.byte == row.byte);
    }
  }
}

TEST_CASE("reasons: a malformed body says where it is malformed") {
  struct Row {
    std::string_view bytes, token;
  };
  const std::string many(300, 'a');
  const std::string long_extension = "1;a=" + many + "\r\nx\r\n";
  for (const Row& row :
       {Row{"x", "bad-chunk-size"}, Row{"5x", "bad-chunk-size"}, Row{"11111111111111111", "bad-chunk-size"},
        Row{"5;=", "bad-chunk-extension"}, Row{"5;a=\x01", "bad-chunk-extension"},
        Row{long_extension, "bad-chunk-extension"}, Row{"5\rx", "bad-chunk-end"},
        Row{"1\r\nab", "bad-chunk-end"}, Row{"1\r\na\rb", "bad-chunk-end"}, Row{"0\r\n a", "bad-trailer"},
        Row{"0\r\na b", "bad-trailer"}, Row{"0\r\na: \x01", "bad-trailer"},
        Row{"0\r\n\rx", "bad-chunk-end"}}) {
    CAPTURE(row.bytes);
    BodyReader body;
    body.start({.kind = Framing::Kind::chunked, .length = 0});
    std::string_view rest = row.bytes;
    while (!rest.empty() && body.state() == BodyReader::State::reading)
      rest.remove_prefix(body.next(rest).consumed);
    REQUIRE(body.state() == BodyReader::State::malformed);
    CHECK(text_of(body.reason()).token == row.token);
  }
  BodyReader none;
  none.start({.kind = Framing::Kind::chunked, .length = 0}, BodyLimits{.extensions = 0});
  REQUIRE(none.next("1;").consumed == 1);
  CHECK(none.reason() == Reason::bad_chunk_extension);
}

}  // namespace gracevisor::http::testing
