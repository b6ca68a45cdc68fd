// The two forms of an access log's line, and what hostile bytes become in them.
#include "proxy/access_log.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

#include "proxy/log_escape.h"

namespace gracevisor::proxy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
using config::AccessFormat;

constexpr std::size_t kPlenty = 1000;

std::string json_escaped(std::string_view text, std::size_t room = kPlenty) {
  std::string out = "x";
  append_json_escaped(text, room, out);
  return out.substr(1);
}

std::string hex_escaped(std::string_view text, std::size_t room = kPlenty) {
  std::string out = "x";
  append_hex_escaped(text, room, out);
  return out.substr(1);
}

std::string line(AccessFormat format, const AccessRecord& record) {
  std::string out;
  append_access_line(format, record, out);
  return out;
}

AccessRecord sample() {
  AccessRecord record;
  record.time = std::chrono::system_clock::time_point(1790000000123ms);
  record.client = "192.0.2.7";
  record.listener = "public";
  record.app = "web";
  record.generation = base::GenerationId(42);
  record.slot = base::Slot(1);
  record.method = "POST";
  record.target = "/a?b=c";
  record.host = "example.com";
  record.minor = 0;
  record.status = 200;
  record.bytes_in = 5;
  record.bytes_out = 120;
  record.head_bytes_out = 100;
  record.referer = "https://example.com/";
  record.user_agent = "curl/8";
  record.request_id = "r-1";
  record.end = "done";
  record.held = 1s;
  record.connect = 1234us;
  record.head = 20ms;
  record.total = 1020034us;
  record.replays = 1;
  record.reused = true;
  return record;
}

TEST_CASE("access log: a whole line of JSON") {
  CHECK(line(AccessFormat::json, sample()) ==
        R"({"time":"2026-09-21T14:13:20.123Z","client":"192.0.2.7","listener":"public","app":"web",)"
        R"("generation":42,"instance":"42.1","host":"example.com","method":"POST","target":"/a?b=c",)"
        R"("protocol":"HTTP/1.0","status":200,"bytes_in":5,"bytes_out":120,)"
        R"("referer":"https://example.com/","user_agent":"curl/8","request_id":"r-1","end":"done",)"
        R"("held_ms":1000.000,"connect_ms":1.234,"head_ms":20.000,"total_ms":1020.034,"replays":1,)"
        "\"reused\":true,\"upgraded\":false}\n");
}

TEST_CASE("access log: what does not apply has no key in JSON") {
  AccessRecord record;
  record.client = "unix";
  record.listener = "unix:/run/x.sock";
  record.request_line = "BAD";
  record.status = 400;
  record.error = http::Reason::bad_request_line;
  record.end = "refused";
  record.phase = "reading the request's head";
  CHECK(line(AccessFormat::json, record) ==
        R"({"time":"1970-01-01T00:00:00.000Z","client":"unix","listener":"unix:/run/x.sock",)"
        R"("request_line":"BAD","status":400,"bytes_in":0,"bytes_out":0,"error":"bad-request-line",)"
        R"("end":"refused","phase":"reading the request's head","total_ms":0.000,"replays":0,)"
        "\"reused\":false,\"upgraded\":false}\n");
}

TEST_CASE("access log: a whole line in combined form counts the content alone") {
  CHECK(line(AccessFormat::combined, sample()) ==
        "192.0.2.7 - - [21/Sep/2026:14:13:20 +0000] \"POST /a?b=c HTTP/1.0\" 200 20 "
        "\"https://example.com/\" \"curl/8\"\n");
  AccessRecord nothing;
  nothing.client = "unix";
  nothing.bytes_out = 5;
  nothing.head_bytes_out = 9;  // more than was taken
  CHECK(line(AccessFormat::combined, nothing) ==
        "unix - - [01/Jan/1970:00:00:00 +0000] \"-\" 000 0 \"-\" \"-\"\n");
  nothing.request_line = "GET / \"";
  nothing.status = 400;
  CHECK(line(AccessFormat::combined, nothing) ==
        "unix - - [01/Jan/1970:00:00:00 +0000] \"GET / \\x22\" 400 0 \"-\" \"-\"\n");
}

TEST_CASE("access log: escaping for JSON, byte by byte") {
  struct Row {
    std::string text;
    std::string expected;
  };
  const Row rows[] = {
      {"", ""},
      {"plain ~ text", "plain ~ text"},
      {"a\"b\\c/", R"(a\"b\\c/)"},
      {std::string("\0\t\n\r\x1b\x1f", 6), R"(\u0000\u0009\u000a\u000d\u001b\u001f)"},
      {"\x7f", R"(\u007f)"},
      {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0"},
      {"\x80\xff", R"(\u0080\u00ff)"},
      {"\xc3", R"(\u00c3)"},
      {"\xc3\"", R"(\u00c3\")"},
      {"\xe2\x82", R"(\u00e2\u0082)"},
      {"\xc0\xaf", R"(\u00c0\u00af)"},
      {"\xe0\x80\xaf", R"(\u00e0\u0080\u00af)"},
      {"\xed\xa0\x80", R"(\u00ed\u00a0\u0080)"},
      {"\xf0\x80\x80\xaf", R"(\u00f0\u0080\u0080\u00af)"},
      {"\xf4\x90\x80\x80", R"(\u00f4\u0090\u0080\u0080)"},
      {"\xf5\x80\x80\x80", R"(\u00f5\u0080\u0080\u0080)"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.expected);
    CHECK(json_escaped(row.text) == row.expected);
    CHECK(Json::accept("\"" + json_escaped(row.text) + "\""));
  }
}

TEST_CASE("access log: whatever two bytes come, JSON stays one valid string and no line ends") {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      std::string text = {'a', static_cast<char>(first), static_cast<char>(second), 'z'};
      std::string out = "\"" + json_escaped(text) + "\"";
      bool clean = std::none_of(out.begin(), out.end(),
                                [](char c) { return (static_cast<unsigned char>(c) < 0x20) || c == 0x7F; });
      bool valid = clean && Json::accept(out);
      if (!valid) FAIL("broken by ", first, " ", second);
      std::string hex = hex_escaped(text);
      bool printable =
          std::all_of(hex.begin(), hex.end(), [](char c) { return c >= 0x20 && c < 0x7F && c != '"'; });
      if (!printable) FAIL("broken by ", first, " ", second);
    }
  }
}

TEST_CASE("access log: escaping for combined lines is nginx's") {
  CHECK(hex_escaped("GET /x?y=z HTTP/1.1") == "GET /x?y=z HTTP/1.1");
  CHECK(hex_escaped("a\"b\\c\n\xc3\xa9\x7f") == R"(a\x22b\x5Cc\x0A\xC3\xA9\x7F)");
  CHECK(hex_escaped(std::string("\0", 1)) == R"(\x00)");
}

TEST_CASE("access log: a text that is cut is cut between two characters") {
  CHECK(json_escaped("abcdef", 3) == "abc");
  CHECK(json_escaped("ab\n", 7).size() == 2);
  CHECK(json_escaped("ab\n", 8) == "ab\\u000a");
  CHECK(json_escaped("ab\"", 3) == "ab");
  CHECK(json_escaped("a\xe2\x82\xac", 3) == "a");
  CHECK(json_escaped("a\xe2\x82\xac"
                     "b",
                     4) == "a\xe2\x82\xac");
  CHECK(json_escaped("abc", 0).empty());
  CHECK(hex_escaped("ab\n", 5) == "ab");
  CHECK(hex_escaped("ab\nc", 6) == R"(ab\x0A)");
}

TEST_CASE("access log: no line is longer than its bound, and a long one is still JSON") {
  for (const std::string& filling : {std::string(40000, 'x'), std::string(40000, '\n'),
                                     std::string(40000, '\xff'), std::string(40000, '"')}) {
    AccessRecord record = sample();
    record.target = record.host = record.referer = record.user_agent = record.request_id = filling;
    std::string json = line(AccessFormat::json, record);
    CHECK(json.size() <= kLongestAccessLine);
    CHECK(json.find('\n') == json.size() - 1);
    Json parsed = Json::parse(json);
    CHECK(parsed["user_agent"].get<std::string>().size() >= kLongestAccessText / 6);
    CHECK(parsed["status"] == 200);
    std::string combined = line(AccessFormat::combined, record);
    CHECK(combined.size() <= kLongestAccessLine);
    CHECK(combined.find('\n') == combined.size() - 1);
  }
}

}  // namespace
}  // namespace gracevisor::proxy
