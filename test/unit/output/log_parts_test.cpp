// What becomes of lines in parts, and of odd bytes, when files are read back: by table.
#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "output/log_read.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;

namespace {

struct Fixture {
  test::TempFolder folder;
  LogReading asked{
      .policy = {.path = folder / "web.log", .keep = 5}, .kind = LogKind::output, .app = "web", .query = {}};

  LogRead read(const std::string& content) {
    test::put_content(asked.policy.path, content);
    LogReader reader(asked, std::make_shared<const LogOpener>());
    while (reader.step()) {
    }
    return reader.take();
  }
  // Each with a "|" behind it, or a "+" if it goes on, or a "*" if it is shortened.
  std::string texts(const std::string& content) {
    std::string all;
    for (const FileLine& line : read(content).lines) {
      all += line.text + (line.shortened ? "*" : line.goes_on ? "+" : "|");
    }
    return all;
  }
};

// "1.1 out+ text": a record of that instance, with its newline.
std::string record(const std::string& rest, int second = 0) {
  return "2026-11-29T10:00:0" + std::to_string(second) + ".000Z web@" + rest + "\n";
}

std::string json(const std::string& instance, const std::string& text, bool cut = false) {
  return R"({"time":"2026-11-29T10:00:00.000Z","app":"web","instance":")" + instance +
         R"(","stream":"out","line":")" + text + (cut ? R"(","cut":true})" : R"("})") + "\n";
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "log parts: the records of a line become one, and nothing else becomes part of it") {
  struct Row {
    const char* name;
    std::string file;
    std::string texts;
  };
  for (const Row& row : {
           Row{"two parts", record("1.1 out+ pro") + record("1.1 out| gress"), "progress|"},
           Row{"three", record("1.1 out+ a") + record("1.1 out+ b") + record("1.1 out| c"), "abc|"},
           Row{"others in between", record("1.1 out+ pro") + record("1.2 out| x") + record("1.1 out| gress"),
               "progress|x|"},
           Row{"two at once",
               record("1.1 out+ a") + record("1.2 out+ x") + record("1.1 out| b") + record("1.2 out| y"),
               "ab|xy|"},
           Row{"of two streams", record("1.1 out+ a") + record("1.1 err| b"), "a+b|"},
           Row{"as JSON", json("1.1", "pro", true) + json("1.1", "gress"), "progress|"},
           Row{"in two forms", record("1.1 out+ pro") + json("1.1", "gress"), "progress|"},
           Row{"an empty end", record("1.1 out+ half") + record("1.1 out| ") + record("1.1 out| next"),
               "half|next|"},
           Row{"no end yet", record("1.1 out| a") + record("1.1 out+ half"), "a|half+"},
           Row{"no beginning", record("1.1 out| gress") + record("1.1 out| next"), "gress|next|"},
           Row{"behind a gap",
               record("1.1 out+ a") + "[gracevisor: 1 lines, 9 bytes dropped]\n" + record("1.1 out| b"),
               "a+[gracevisor: 1 lines, 9 bytes dropped]|b|"},
           Row{"behind a gap, as JSON",
               json("1.1", "a", true) + "{\"dropped_lines\":1,\"dropped_bytes\":9}\n" + json("1.1", "b"),
               "a+{\"dropped_lines\":1,\"dropped_bytes\":9}|b|"},
           Row{"plain lines are no parts", "a\n" + record("1.1 out+ b") + "c\n" + record("1.1 out| d"),
               "a|bd|c|"},
       }) {
    CAPTURE(row.name);
    CHECK(texts(row.file) == row.texts);
  }
}

TEST_CASE_FIXTURE(Fixture, "log parts: a line is searched as a whole") {
  const std::string file = record("1.1 out+ pro") + record("1.1 out| gress") + record("1.1 out| prologue") +
                           record("1.1 out+ only ") + record("1.1 out| here");
  struct Row {
    const char* grep;
    const char* texts;
  };
  for (const Row& row :
       {Row{"pro", "progress|prologue|"}, Row{"ogre", "progress|"}, Row{"gress", "progress|"},
        Row{"only here", "only here|"}, Row{"here", "only here|"}, Row{"hereonly", ""}}) {
    CAPTURE(row.grep);
    asked.query.grep = row.grep;
    CHECK(texts(file) == row.texts);
  }
  asked.query.grep = "";
  asked.query.lines = 2;
  CHECK(texts(file) == "prologue|only here|");
  CHECK(texts(record("1.2 out| old") + record("1.1 out| a") + record("1.2 out| b") + record("1.2 out| c")) ==
        "b|c|");
  CHECK(texts(record("1.2 out| a") + record("1.2 out| b") + record("1.2 out| c") + record("1.1 out| d")) ==
        "c|d|");
}

TEST_CASE_FIXTURE(Fixture, "log parts: a line in parts is cut where every view cuts it") {
  std::string file;
  for (int i = 0; i < 3; ++i) {
    file += record(std::string("1.1 out") + (i < 2 ? "+ " : "| ") +
                   std::string(40000, static_cast<char>('a' + i)));
  }
  const LogRead found = read(file + record("1.1 out| next"));
  REQUIRE(found.lines.size() == 2);
  CHECK(found.lines[0].text.size() == kMostText);
  CHECK(found.lines[0].shortened);
  CHECK(found.lines[1].text == "next");
}

TEST_CASE_FIXTURE(Fixture,
                  "log parts: bytes of plain and prefixed files are read back as they were written") {
  struct Row {
    const char* name;
    std::string file;
    std::string texts;
  };
  using namespace std::string_literals;
  for (const Row& row : {
           Row{"no newline at the end", "a\nb", "a|b|"},
           Row{"only a newline", "\n", "|"},
           Row{"empty lines", "\n\na\n\n", "||a||"},
           Row{"CR LF", "a\r\nb\r\n", "a\r|b\r|"},
           Row{"a NUL", "a\0b\nc\0\n"s, "a\0b|c\0|"s},
           Row{"only a NUL", "\0"s, "\0|"s},
           Row{"records with CR LF", record("1.1 out| a\r") + record("1.1 out| b\r"), "a\r|b\r|"},
           Row{"records with a NUL", record("1.1 out| a\0b"s), "a\0b|"s},
           Row{"a record without its newline",
               record("1.1 out| a") + "2026-11-29T10:00:00.000Z web@1.1 out| b", "a|b|"},
           Row{"a record that is cut off in its head",
               record("1.1 out| a") + "2026-11-29T10:00:00.000Z web@1.1 ou",
               "a|2026-11-29T10:00:00.000Z web@1.1 ou|"},
           Row{"JSON that is cut off", json("1.1", "a") + R"({"time":"2026-11-29T10:00:00.000Z","app":"web")",
               R"(a|{"time":"2026-11-29T10:00:00.000Z","app":"web"|)"},
           Row{"longer than a slice", std::string(LogReader::kSlice + 10, 'x') + "\nnext\n",
               std::string(kMostText, 'x') + "*next|"},
           Row{"a newline between two slices", "a\n" + std::string(LogReader::kSlice - 1, 'x') + "\n",
               "a|" + std::string(kMostText, 'x') + "*"},
       }) {
    CAPTURE(row.name);
    CHECK(texts(row.file) == row.texts);
  }
}
