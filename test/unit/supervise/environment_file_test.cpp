#include "supervise/environment_file.h"

#include <doctest/doctest.h>

#include "unit/supervise/process_fixture.h"

namespace gracevisor::supervise {
namespace {

using testing::TemporaryFolder;

std::string error_of(std::string_view text) {
  Environment into;
  auto parsed = parse_environment(text, "web.env", into);
  return parsed ? "" : parsed.error().what;
}

TEST_CASE("environment file: keys, values, comments, quotes, and nothing is evaluated") {
  Environment into = {{"KEPT", "1"}, {"A", "old"}};
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
      "web.env", into);
  REQUIRE(parsed.has_value());
  CHECK(into == Environment{{"KEPT", "1"},
                            {"A", "new"},
                            {"EMPTY", ""},
                            {"HASH", "pa#ss # word"},
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
  CHECK(error_of("A =secret").starts_with("web.env:1: not the name"));
  CHECK(error_of("A=\"secret") == "web.env:1: the closing quote is missing");
  CHECK(error_of("A=\"secret\\\"") == "web.env:1: the closing quote is missing");
  CHECK(error_of("A='secret' more") == "web.env:1: text after the closing quote");
  CHECK(error_of(std::string("A=se\0cret", 9)) == "web.env:1: a value cannot hold a NUL byte");
}

TEST_CASE("environment file: a missing one is an error unless it is optional") {
  TemporaryFolder folder;
  Environment into;
  auto missing = folder.path() / "missing.env";
  CHECK(read_environment_file(missing, true, into).has_value());
  auto refused = read_environment_file(missing, false, into);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().what.find("missing.env: No such file or directory") != std::string::npos);
  CHECK(into.empty());
}

TEST_CASE("environment file: a folder or a file beyond a mebibyte is refused, optional or not") {
  TemporaryFolder folder;
  Environment into;
  CHECK(!read_environment_file(folder.path(), true, into).has_value());
  auto large = folder.write("large.env", "A=" + std::string(1U << 20, 'x'));
  CHECK(!read_environment_file(large, true, into).has_value());
}

}  // namespace
}  // namespace gracevisor::supervise
