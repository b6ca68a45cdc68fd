#include "spec/environment_file.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "support/temp_folder.h"

namespace gracevisor::spec {
namespace {

using test::TempFolder;

std::string error_of(std::string_view text) {
  Environment into;
  std::vector<std::string> hints;
  auto parsed = parse_environment(text, "web.env", into, hints);
  return parsed ? "" : parsed.error().what;
}

TEST_CASE("environment file: keys, values, comments, quotes, and nothing is evaluated") {
  Environment into = {{"KEPT", "1"}, {"A", "old"}};
  std::vector<std::string> hints;
  auto parsed = parse_environment(
      "# a comment\n"
      "\n"
      "  A=new  \r\n"
      "EMPTY=\n"
      "HASH=pa#ss # word\n"
      "SHELL_LIKE=$HOME `id` $(id) ~ \\n\n"
      "export EXPORTED=yes\n"
      "DOUBLE=\"a \\\"b\\\" \\\\ \\n \\$x \\q\"  # a comment\n"
      "SINGLE='a \\n \"b\"'\n"
      "EQUALS=a=b=c\n"
      "json.like-KEY={\"a\": {}}\n"
      "LAST=no newline",
      "web.env", into, hints);
  REQUIRE(parsed.has_value());
  CHECK(into == Environment{{"KEPT", "1"},
                            {"A", "new"},
                            {"EMPTY", ""},
                            {"HASH", "pa#ss"},
                            {"SHELL_LIKE", "$HOME `id` $(id) ~ \\n"},
                            {"EXPORTED", "yes"},
                            {"DOUBLE", "a \"b\" \\ \n $x \\q"},
                            {"SINGLE", "a \\n \"b\""},
                            {"EQUALS", "a=b=c"},
                            {"json.like-KEY", "{\"a\": {}}"},
                            {"LAST", "no newline"}});
}

TEST_CASE("environment file: an error names file and line and shows no value") {
  CHECK(error_of("A=1\nsecret") == "web.env:2: not of the form KEY=VALUE");
  CHECK(error_of("\n\n1A=secret\n").starts_with("web.env:3: not the name"));
  CHECK(error_of("=secret").starts_with("web.env:1: not the name"));
  CHECK(error_of("A B=secret").starts_with("web.env:1: not the name"));
  CHECK(error_of("A=\"secret") == "web.env:1: the closing quote is missing");
  CHECK(error_of("A=\"secret\\\"") == "web.env:1: the closing quote is missing");
  CHECK(error_of("A='secret' more") == "web.env:1: text after the closing quote");
  CHECK(error_of(std::string("A=se\0cret", 9)) == "web.env:1: a value cannot hold a NUL byte");
}

TEST_CASE("environment file: read as docker compose reads its own, but that nothing is expanded") {
  struct Row {
    std::string_view text;
    std::string_view value;  // of A
  };
  constexpr Row kRows[] = {
      // Comments after values.
      {"A=1 # note", "1"},
      {"A=1\t# note", "1"},
      {"A=1# no note", "1# no note"},
      {"A=a#b # c # d", "a#b"},
      {"A= # note", ""},
      {"A=# no note", "# no note"},
      {"A='1' # note", "1"},
      {"A=\"1 # no note\"# note", "1 # no note"},
      // Blanks, the other delimiter, export.
      {"A = 1", "1"},
      {"\tA\t=\t1\t", "1"},
      {"A: 1", "1"},
      {"A:1", "1"},
      {"A=x:y=z", "x:y=z"},
      {"export A=1", "1"},
      {"export\tA = '1'", "1"},
      {"  export   A=1", "1"},
      // A byte order mark, ends of lines.
      {"\xef\xbb\xbf"
       "A=1",
       "1"},
      {"\xef\xbb\xbf# note\r\nA=1\r\n", "1"},
      {"A=1\r\n", "1"},
      {"A=\"1\"\r\n", "1"},
      {"A=\"1\r\n2\"\r\n", "1\n2"},
      // Quotes.
      {"A=''", ""},
      {"A='1", "!the closing quote is missing"},
      {"A='a\\n$B'", "a\\n$B"},
      {"A='Let\\'s go!'", "Let's go!"},
      {"A=\"{\\\"hello\\\": \\\"json\\\"}\"", "{\"hello\": \"json\"}"},
      {"A=\"a\\nb\\rc\\td\\\\e\\$f\"", "a\nb\rc\td\\e$f"},
      {"A=\"\\x \\'\"", "\\x \\'"},
      {"A=it's", "it's"},
      {"A=\"it's\"", "it's"},
      // Over several lines.
      {"A='1\n  2 # no note\n3'", "1\n  2 # no note\n3"},
      {"A=\"-----BEGIN\nB=2\n-----END\n\"  # note\n", "-----BEGIN\nB=2\n-----END\n"},
      {"A='1\n", "!the closing quote is missing"},
      {"A='1\n2' 3", "!text after the closing quote"},
      // Nothing is expanded.
      {"A=$B", "$B"},
      {"A=${B:-c}", "${B:-c}"},
      {"A=\"${B}\"", "${B}"},
      {"A=$$B", "$$B"},
      {"A", "!not of the form KEY=VALUE"},
  };
  for (const Row& row : kRows) {
    CAPTURE(row.text);
    Environment into;
    std::vector<std::string> hints;
    auto parsed = parse_environment(row.text, "web.env", into, hints);
    if (row.value.starts_with('!')) {
      CHECK(error_of(row.text) == fmt::format("web.env:1: {}", row.value.substr(1)));
      continue;
    }
    REQUIRE(parsed.has_value());
    CHECK(into == Environment{{"A", std::string(row.value)}});
  }
}

TEST_CASE("environment file: a dollar that docker compose would expand stays and is hinted at") {
  Environment into;
  std::vector<std::string> hints;
  auto parsed = parse_environment(
      "PLAIN=pa$word\nBRACES=\"${X}\"\nDOUBLED=a$$b\n"
      "QUOTED='$X'\nESCAPED=\"\\$X\"\nPRICE=5$\nDIGIT=$1\nNOTE=1 # $X\n"
      "LINES='a\nb\nc'\nLAST=$X\n",
      "web.env", into, hints);
  REQUIRE(parsed.has_value());
  CHECK(hints ==
        std::vector<std::string>{"web.env:1: PLAIN: the \"$\" stays as it is: variables are not expanded",
                                 "web.env:2: BRACES: the \"$\" stays as it is: variables are not expanded",
                                 "web.env:3: DOUBLED: the \"$\" stays as it is: variables are not expanded",
                                 "web.env:12: LAST: the \"$\" stays as it is: variables are not expanded"});
  CHECK(into.at("PLAIN") == "pa$word");
  CHECK(into.at("LINES") == "a\nb\nc");
}

TEST_CASE("environment file: an error behind a value of several lines names the line in the file") {
  CHECK(error_of("A='1\n2\n3'\nB\n") == "web.env:4: not of the form KEY=VALUE");
  CHECK(error_of("A=1\nB='secret\n\n") == "web.env:2: the closing quote is missing");
}

TEST_CASE("environment file: a missing one is an error unless it is optional") {
  TempFolder folder;
  Environment into;
  auto missing = folder.path() / "missing.env";
  std::vector<std::string> hints;
  CHECK(read_environment_file(missing, true, into, hints).has_value());
  auto refused = read_environment_file(missing, false, into, hints);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().what.find("missing.env: No such file or directory") != std::string::npos);
  CHECK(into.empty());
}

TEST_CASE("environment file: a folder or a file beyond a mebibyte is refused, optional or not") {
  TempFolder folder;
  Environment into;
  std::vector<std::string> hints;
  CHECK(!read_environment_file(folder.path(), true, into, hints).has_value());
  auto large = folder.write("large.env", "A=" + std::string(1U << 20, 'x'));
  CHECK(!read_environment_file(large, true, into, hints).has_value());
}

}  // namespace
}  // namespace gracevisor::spec
