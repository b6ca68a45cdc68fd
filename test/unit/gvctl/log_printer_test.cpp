// The lines of logs as people see them.
#include "gvctl/log_printer.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <set>

#include "gvctl/when.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;
using namespace std::chrono;

namespace {

const LogPrinter::How kFile;
const LogPrinter::How kTerminal{{}, false, true, true};
const LogPrinter::How kColours{{true}, false, true, true};

std::string text(const control::LogLine& line, const LogPrinter::How& how, const std::string& app = "web") {
  return LogPrinter(app, how).text(line);
}

control::LogLine line(const std::string& app, const std::string& instance,
                      const std::string& stream = "out") {
  control::LogLine made{instance, stream, "2026-11-22T20:00:00.123Z", "hello"};
  made.app = app;
  return made;
}

struct Zone {
  explicit Zone(const char* name) {
    REQUIRE(::setenv("TZ", name, 1) == 0);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() {
    (void)::unsetenv("TZ");
    ::tzset();
  }
};

}  // namespace

TEST_CASE("log printer: a line goes to a file as it was written, and to a terminal without its commands") {
  const control::LogLine log{"43.1", "err", "2026-11-22T20:00:00.123Z", "\x1b[31mred\x1b[0m \x1b[2J"};
  CHECK(text(log, kFile) == "web@43.1  \x1b[31mred\x1b[0m \x1b[2J\n");
  CHECK(text(log, kTerminal) == "web@43.1  \x1b[31mred\x1b[0m \\x1b[2J\x1b[0m\n");
  CHECK(text(log, {{}, true, false, true}).starts_with("web@43.1  2026-11-22T20:00:00.123Z  "));
  CHECK(text(log, {{}, false, false, false}) == "\x1b[31mred\x1b[0m \x1b[2J\n");
}

TEST_CASE("log printer: the prefix says as much as is known") {
  CHECK(text(line("api", "4.1"), kFile) == "api@4.1  hello\n");
  CHECK(text(line("api", ""), kFile) == "api  hello\n");
  CHECK(text(line("", ""), kFile, "") == "hello\n");
  CHECK(text(line("\x1b]0;x", "\x07"), kFile) == "\\x1b]0;x@\\x07  hello\n");
  control::LogLine untimed = line("api", "");
  untimed.time.clear();
  CHECK(text(untimed, {{}, true, false, true}) == "api  -  hello\n");
}

TEST_CASE("log printer: on a terminal prefixes are aligned up to a width") {
  LogPrinter printer("", kTerminal);
  CHECK(printer.text(line("a", "1.1")) == "a@1.1  hello\n");
  CHECK(printer.text(line("worker", "1.1")) == "worker@1.1  hello\n");
  CHECK(printer.text(line("a", "1.1")) == "a@1.1       hello\n");
  const std::string longest(40, 'x');
  CHECK(printer.text(line(longest, "1.1")) == longest + "@1.1  hello\n");
  CHECK(printer.text(line("a", "1.1")) == "a@1.1" + std::string(24 - 5, ' ') + "  hello\n");
}

TEST_CASE("log printer: a source keeps its colour, and standard error is marked in red") {
  const std::string once = text(line("web", "4.1"), kColours);
  CHECK(once == text(line("web", "4.1"), kColours));
  CHECK(once.starts_with("\x1b["));
  CHECK(once.find("web@4.1\x1b[0m  hello\n") != std::string::npos);
  CHECK(text(line("web", "4.1", "err"), kColours).find("web@4.1\x1b[0m\x1b[31m!\x1b[0m hello\n") !=
        std::string::npos);
  std::set<std::string> colours;
  for (int i = 0; i < 50; ++i) {
    const std::string shown = text(line("app" + std::to_string(i), "1.1"), kColours);
    colours.insert(shown.substr(0, shown.find('m')));
    CHECK_FALSE(shown.starts_with("\x1b[31m"));
  }
  CHECK(colours.size() > 5);
}

TEST_CASE("when: moments as people write them") {
  const Zone zone("UTC-2");                                                 // two hours ahead
  const base::WallTime now = *base::parse_rfc3339("2026-11-29T17:01:02Z");  // 19:01:02
  struct Row {
    const char* text;
    const char* when;
  };
  for (const Row& row :
       {Row{"10m", "2026-11-29T16:51:02Z"}, Row{"1h30m", "2026-11-29T15:31:02Z"},
        Row{"14:30", "2026-11-29T12:30:00Z"}, Row{"19:01:02", "2026-11-29T17:01:02Z"},
        Row{"19:02", "2026-11-28T17:02:00Z"}, Row{"2026-11-28", "2026-11-27T22:00:00Z"},
        Row{"2026-11-28 10:00", "2026-11-28T08:00:00Z"}, Row{"2026-11-28T10:00:30", "2026-11-28T08:00:30Z"},
        Row{"2026-11-28T10:00:30Z", "2026-11-28T10:00:30Z"},
        Row{"2026-11-28T10:00:30.5+01:00", "2026-11-28T09:00:30.5Z"}}) {
    CAPTURE(row.text);
    CHECK(parse_when(row.text, now) == base::parse_rfc3339(row.when));
  }
  // Yesterday may be in another month.
  CHECK(parse_when("19:02", *base::parse_rfc3339("2026-03-01T17:01:02Z")) ==
        base::parse_rfc3339("2026-02-28T17:02:00Z"));
}

TEST_CASE("when: everything else is refused") {
  for (const char* wrong : {"", "x", "10", "25:00", "14:61", "-10m", "2026-02-30", "2026-11-28 10",
                            "2026-11-28 10:00 ", "yesterday", "99999999999999d", "1000000d"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_when(wrong, *base::parse_rfc3339("2026-11-29T17:01:02Z")).has_value());
  }
}
