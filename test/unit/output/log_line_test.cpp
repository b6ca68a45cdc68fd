// The forms in which lines lie in files: what is written reads back, and nothing else is taken for a record.
#include "output/log_line.h"

#include <doctest/doctest.h>

#include <sstream>
#include <vector>

#include "output/backward_lines.h"

using namespace gracevisor;
using namespace gracevisor::output;
using namespace std::string_literals;

namespace {

const base::WallTime kWhen = *base::parse_rfc3339("2026-11-29T19:01:02.345Z");

LineHead head(LogStream stream = LogStream::out) {
  return {kWhen, "web", "5.1", stream};
}

std::string records(LogFormat format, std::string_view bytes, LogStream stream = LogStream::out) {
  std::string out;
  append_records(format, head(stream), bytes, out);
  return out;
}

std::vector<FileLine> parsed(const std::string& text) {
  std::vector<FileLine> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    auto record = parse_record(line, false, "web");
    lines.push_back(record ? *record : FileLine{{}, {}, LogStream::unknown, line, false});
  }
  return lines;
}

// Every line that a text has, from the last to the first, out of slices of this size.
std::vector<std::string> backwards(const std::string& text, std::size_t slice) {
  std::vector<std::string> lines;
  BackwardLines reader;
  const auto on_line = [&lines](std::string_view line, bool cut) {
    lines.push_back(std::string(line) + (cut ? "..." : ""));
    return true;
  };
  for (std::size_t end = text.size(); end > 0;) {
    const std::size_t begin = end - std::min(end, slice);
    REQUIRE(reader.add(std::string_view(text).substr(begin, end - begin), on_line));
    end = begin;
  }
  REQUIRE(reader.begin_of_file(on_line));
  return lines;
}

}  // namespace

TEST_CASE("log line: the documented forms") {
  CHECK(records(LogFormat::prefixed, "hello\n") == "2026-11-29T19:01:02.345Z web@5.1 out| hello\n");
  CHECK(records(LogFormat::prefixed, "a\n\nb", LogStream::err) ==
        "2026-11-29T19:01:02.345Z web@5.1 err| a\n"
        "2026-11-29T19:01:02.345Z web@5.1 err| \n"
        "2026-11-29T19:01:02.345Z web@5.1 err+ b\n");
  CHECK(
      records(LogFormat::json, "say \"\\\"\t\x1b[0m \xc3\xa9\n") ==
      R"({"time":"2026-11-29T19:01:02.345Z","app":"web","instance":"5.1","stream":"out","line":"say \"\\\"\u0009\u001b[0m é"})"
      "\n");
  CHECK(
      records(LogFormat::json, "x") ==
      R"({"time":"2026-11-29T19:01:02.345Z","app":"web","instance":"5.1","stream":"out","line":"x","cut":true})"
      "\n");
}

TEST_CASE("log line: any bytes read back exactly from the prefixed form, and UTF-8 from JSON") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != '\n') all += static_cast<char>(byte);
  }
  for (const std::string& line :
       {""s, " "s, "| x"s, "out| "s, "\r"s, all, "a\0b"s, "2026-11-29T19:01:02.345Z web@9.9 err| nested"s}) {
    CHECK(parsed(records(LogFormat::prefixed, line + "\n", LogStream::err)) ==
          std::vector<FileLine>{{kWhen, "5.1", LogStream::err, line, false}});
  }
  for (const std::string& line : {""s, "\"}"s, "\\u0041"s, "\x01\x1f\x7f"s, "a\0b"s,
                                  "\xf0\x9f\x98\x80 \xed\x9f\xbf"s, R"({"time":"x"})"s}) {
    CHECK(parsed(records(LogFormat::json, line + "\n")) ==
          std::vector<FileLine>{{kWhen, "5.1", LogStream::out, line, false}});
    CHECK(parsed(records(LogFormat::json, line + "x")).front().goes_on);
  }
}

TEST_CASE("log line: bytes that are not UTF-8 become U+FFFD in JSON, one each") {
  for (const auto& [bytes, replaced] : std::vector<std::pair<std::string, std::string>>{
           {"\xff", "\xef\xbf\xbd"},
           {"a\x80z", "a\xef\xbf\xbdz"},
           {"\xc3", "\xef\xbf\xbd"},
           {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
           {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
           {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
           {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"}}) {
    CHECK(parsed(records(LogFormat::json, bytes + "\n")).front().text == replaced);
  }
}

TEST_CASE("log line: what is no record of the app stays a plain line") {
  const std::string time = "2026-11-29T19:01:02.345Z";
  for (const std::string& line : std::vector<std::string>{
           "",
           "hello",
           time,
           time + " web@5.1 out",
           time + " web@5.1 out|x",
           time + " web@5 out| x",
           time + " web@5.x out| x",
           time + " web@.1 out| x",
           time + " web@" + std::string(21, '1') + ".1 out| x",
           time + " web@5." + std::string(11, '1') + " out| x",
           time + " api@5.1 out| x",
           time + " webb@5.1 out| x",
           time + " web@5.1 log| x",
           "2026-11-31T19:01:02.345Z web@5.1 out| x",
           "2026-11-29T19:01:02Z web@5.1 out| x",
           "{}",
           R"({"time":")" + time + R"("})",
           R"({"time":")" + time + R"(","app":"web","instance":"5.1","stream":"out","line":"x)",
           R"({"time":")" + time + R"(","app":"web","instance":"5.1","stream":"out","line":"\q"})",
           R"({"time":")" + time + R"(","app":"web","instance":"5.1","stream":"out","line":"\u0041"})",
           R"({"time":")" + time + R"(","app":"web","instance":"5.1","stream":"out","line":"x","more":1})",
           R"({"time":")" + time + R"(","app":"api","instance":"5.1","stream":"out","line":"x"})"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_record(line, false, "web").has_value());
  }
}

TEST_CASE("log line: a record whose end is missing is still one") {
  std::string json = records(LogFormat::json, "some \"text\"\n");
  auto line = parse_record(json.substr(0, json.size() - 5), true, "web");
  REQUIRE(line.has_value());
  CHECK(line->text == "some \"text");
  CHECK(line->shortened);
  CHECK_FALSE(line->goes_on);
  CHECK(parse_record("2026-11-29T19:01:02.345Z web@5.1 out| begin", true, "web")->shortened);
}

TEST_CASE("log line: the times of other logs") {
  const base::WallTime second = *base::parse_rfc3339("2026-10-10T13:55:36Z");
  CHECK(access_time(R"({"time":"2026-10-10T13:55:36.000Z","client":"::1"})") == second);
  CHECK(access_time("127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5") == second);
  CHECK(daemon_time("2026-10-10T13:55:36.000+00:00 info ready") == second);
  for (const char* none : {"", "[", "{", "x", "[10/Oct/2026", R"({"time":")"}) {
    CAPTURE(none);
    CHECK_FALSE(access_time(none).has_value());
    CHECK_FALSE(daemon_time(none).has_value());
  }
}

TEST_CASE("backward lines: the same lines whatever the slices") {
  struct Row {
    std::string text;
    std::vector<std::string> lines;
  };
  for (const Row& row : std::vector<Row>{{"", {}},
                                         {"\n", {""}},
                                         {"a", {"a"}},
                                         {"a\n", {"a"}},
                                         {"\na\n", {"a", ""}},
                                         {"a\n\n", {"", "a"}},
                                         {"one\ntwo\nthree", {"three", "two", "one"}},
                                         {"one\r\n\n\ntwo\n", {"two", "", "", "one\r"}}}) {
    for (std::size_t slice = 1; slice <= 14; ++slice) {
      CAPTURE(slice);
      CHECK(backwards(row.text, slice) == row.lines);
    }
  }
}

TEST_CASE("backward lines: of a long line its beginning is kept") {
  const std::size_t most = BackwardLines::kMost;
  const std::string text = "first\nB" + std::string(3 * most, 'x') + "E\nlast\n";
  for (std::size_t slice : {1000UL, most - 1, most, most + 1, 10 * most}) {
    CAPTURE(slice);
    const auto lines = backwards(text, slice);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "last");
    bool same = lines[1] == "B" + std::string(most - 1, 'x') + "...";
    CHECK(same);
    CHECK(lines[2] == "first");
  }
  CHECK(backwards(std::string(most, 'x'), 999).front() == std::string(most, 'x'));
}

TEST_CASE("backward lines: it stops where the receiver has enough") {
  BackwardLines reader;
  int count = 0;
  CHECK_FALSE(reader.add("a\nb\nc\nd\n", [&count](std::string_view, bool) { return ++count < 2; }));
  CHECK(count == 2);
}

TEST_CASE("log line: an access log names the app, in the format that does") {
  using App = std::optional<std::string_view>;
  const std::string time = R"({"time":"2026-11-29T10:00:00.000Z","client":"unix")";
  CHECK(access_app(time + R"(,"listener":"main","app":"web","status":200})") == App("web"));
  CHECK(access_app(time + R"(,"app":"web","status":200})") == App("web"));
  CHECK(access_app(time + R"(,"listener":"a\",\"app\":\"x","app":"web"})") == App("web"));
  CHECK(access_app(time + R"(,"request_line":"GET /,\"app\":\"web\"","status":400})") == App(""));
  for (const std::string& none : {std::string(), std::string("1.2.3.4 - - [x] \"app\""), time.substr(0, 40),
                                  time + R"(,"app":"we)", std::string(R"({"dropped_lines":1})")}) {
    CHECK_FALSE(access_app(none).has_value());
  }
}
