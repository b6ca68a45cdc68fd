#include "output/sink_message.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/log_socket.h"

using namespace gracevisor;
using namespace gracevisor::output;

namespace {

const base::WallTime kTime = *base::parse_rfc3339("2026-11-29T19:01:02.345Z");

SinkLine line(std::string_view text, LogStream stream = LogStream::out) {
  return {kTime, "web", "5.1", stream, text};
}
std::string local(const SinkLine& of) {
  std::string out;
  append_local_syslog(of, "Nov 29 20:01:02", out);
  return out;
}
std::string udp(const SinkLine& of, std::string_view host = "host") {
  std::string out;
  append_udp_syslog(of, host, out);
  return out;
}
std::string journal(const SinkLine& of) {
  std::string out;
  append_journal(of, out);
  return out;
}

}  // namespace

TEST_CASE("sink message: what goes to /dev/log is what syslog(3) writes") {
  const std::vector<std::pair<SinkLine, std::string>> rows = {
      {line("hello"), "<30>Nov 29 20:01:02 web[5.1]: hello"},
      {line("oh", LogStream::err), "<28>Nov 29 20:01:02 web[5.1]: oh"},
      {line(""), "<30>Nov 29 20:01:02 web[5.1]: "},
      {line("<1>forged: \x01\xff"), "<30>Nov 29 20:01:02 web[5.1]: <1>forged: \x01\xff"},
      {line(std::string_view("a\0<1>b\0", 7)), "<30>Nov 29 20:01:02 web[5.1]: a#000<1>b#000"},
      {{kTime, "web", {}, LogStream::err, "[gracevisor: 2 lines]"},
       "<28>Nov 29 20:01:02 web: [gracevisor: 2 lines]"},
      {{kTime, "a:[b] c", "5.1", LogStream::out, "x"}, "<30>Nov 29 20:01:02 a__b__c[5.1]: x"},
  };
  for (const auto& [of, expected] : rows) CHECK(local(of) == expected);
}

TEST_CASE("sink message: what goes by UDP is RFC 5424") {
  const std::string app(60, 'a');
  const std::vector<std::pair<std::string, std::string>> rows = {
      {udp(line("hello")), "<30>1 2026-11-29T19:01:02.345Z host web 5.1 out - hello"},
      {udp(line("oh", LogStream::err)), "<28>1 2026-11-29T19:01:02.345Z host web 5.1 err - oh"},
      {udp(line("x"), ""), "<30>1 2026-11-29T19:01:02.345Z - web 5.1 out - x"},
      {udp(line("x"), "a host"), "<30>1 2026-11-29T19:01:02.345Z a_host web 5.1 out - x"},
      {udp({kTime, app, "", LogStream::out, "x"}),
       "<30>1 2026-11-29T19:01:02.345Z host " + app.substr(0, 48) + " - out - x"},
  };
  for (const auto& [made, expected] : rows) CHECK(made == expected);
}

TEST_CASE("sink message: journald gets each fact as a field, and no text can add one") {
  CHECK(journal(line("hello")) ==
        "MESSAGE=hello\nPRIORITY=6\nSYSLOG_IDENTIFIER=web\nGV_APP=web\nGV_GENERATION=5\nGV_INSTANCE=5.1\n"
        "GV_STREAM=out\n");
  auto fields = test::journal_fields(journal(line("a\nGV_APP=other\nb", LogStream::err)));
  CHECK(fields["MESSAGE"] == "a\nGV_APP=other\nb");
  CHECK(fields["PRIORITY"] == "4");
  CHECK(fields["GV_APP"] == "web");
  CHECK(fields["GV_STREAM"] == "err");
  CHECK_FALSE(fields.contains("GV_CUT"));
  SinkLine cut = line("a");
  cut.goes_on = true;
  CHECK(test::journal_fields(journal(cut))["GV_CUT"] == "true");
  auto remark = test::journal_fields(journal({kTime, "web", {}, LogStream::err, "x"}));
  CHECK(remark["GV_APP"] == "web");
  CHECK_FALSE(remark.contains("GV_INSTANCE"));
  CHECK_FALSE(remark.contains("GV_GENERATION"));
}

TEST_CASE("sink message: records are read one after the other, and what is none is passed") {
  std::string text;
  append_records(LogFormat::prefixed, {kTime, "web", "5.1", LogStream::out},
                 std::string_view("one\n\0two\xff\nbegun", 15), text);
  text += "no record\n";
  append_records(LogFormat::prefixed, {kTime, "api", "12.3", LogStream::err}, "web@5.1 out| x\n", text);
  std::size_t at = 0;
  auto first = next_record(text, at);
  REQUIRE(first.has_value());
  CHECK(first->time == kTime);
  CHECK(first->app == "web");
  CHECK(first->instance == "5.1");
  CHECK(first->text == "one");
  CHECK_FALSE(first->goes_on);
  CHECK(next_record(text, at)->text == std::string_view("\0two\xff", 5));
  auto begun = next_record(text, at);
  CHECK(begun->text == "begun");
  CHECK(begun->goes_on);
  CHECK_FALSE(next_record(text, at).has_value());
  auto other = next_record(text, at);
  CHECK(other->app == "api");
  CHECK(other->instance == "12.3");
  CHECK(other->stream == LogStream::err);
  CHECK(other->text == "web@5.1 out| x");
  CHECK(at == text.size());
}

TEST_CASE("sink message: the daemon's own lines have the priority of their level and name what they tell") {
  const std::string text =
      "2026-11-29T19:01:02.345+00:00 warning log.degraded path=/l cause=\"a b\"\n"
      "2026-11-29T20:01:02.345+01:00 info cutover\n"
      "2026-11-29T19:01:02.345+00:00 loud cutover app=web\n"
      "no line of the daemon\n"
      "2026-11-29T19:01:02.345+00:00 error Something=else\n"
      "2026-11-29T19:01:02.345+00:00 debug";
  std::size_t at = 0;
  auto next = [&] {
    auto found = next_own_line(text, at);
    if (found) found->instance = "812";
    return found;
  };
  const auto degraded = next();
  REQUIRE(degraded.has_value());
  CHECK(local(*degraded) == "<28>Nov 29 20:01:02 gracevisord[812]: log.degraded path=/l cause=\"a b\"");
  CHECK(udp(*degraded) ==
        "<28>1 2026-11-29T19:01:02.345Z host gracevisord 812 log.degraded - log.degraded path=/l cause=\"a "
        "b\"");
  CHECK(journal(*degraded) ==
        "MESSAGE=log.degraded path=/l cause=\"a b\"\nPRIORITY=4\nSYSLOG_IDENTIFIER=gracevisord\n"
        "GV_EVENT=log.degraded\n");
  CHECK(udp(*next()) == "<30>1 2026-11-29T19:01:02.345Z host gracevisord 812 cutover - cutover");
  CHECK_FALSE(next().has_value());
  CHECK_FALSE(next().has_value());
  const auto other = next();
  REQUIRE(other.has_value());
  CHECK(journal(*other) == "MESSAGE=Something=else\nPRIORITY=3\nSYSLOG_IDENTIFIER=gracevisord\n");
  CHECK(udp(*other) == "<27>1 2026-11-29T19:01:02.345Z host gracevisord 812 - - Something=else");
  const auto empty = next();
  REQUIRE(empty.has_value());
  CHECK(local(*empty) == "<31>Nov 29 20:01:02 gracevisord[812]: ");
  CHECK(at == text.size());
}

TEST_CASE("sink message: a piece tears no character unless there is none") {
  CHECK(piece_of("abc", 3) == 3);
  CHECK(piece_of("abcd", 3) == 3);
  CHECK(piece_of("ab\xc3\xa4", 3) == 2);
  CHECK(piece_of("a\xf0\x9f\x98\x80z", 4) == 1);
  CHECK(piece_of("\x80\x80\x80\x80\x80\x80\x80", 5) == 5);
  CHECK(piece_of("", 5) == 0);
}
