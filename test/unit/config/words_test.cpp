#include "config/words.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/nearest.h"
#include "config/substitute.h"

namespace gracevisor::config {

using Strings = std::vector<std::string>;

TEST_CASE("words: a command is split as a shell splits it") {
  struct Case {
    const char* text;
    Strings words;
  };
  for (const Case& c : std::vector<Case>{{"", {}},
                                         {"  \t\n ", {}},
                                         {"a b  c", {"a", "b", "c"}},
                                         {" a\tb\n", {"a", "b"}},
                                         {"'a b' c", {"a b", "c"}},
                                         {R"("a b"c)", {"a bc"}},
                                         {R"(a'b'"c"d)", {"abcd"}},
                                         {"''", {""}},
                                         {R"(a "" b)", {"a", "", "b"}},
                                         {R"(a\ b)", {"a b"}},
                                         {R"('a\b')", {R"(a\b)"}},
                                         {R"("a\b\"\\\$")", {R"(a\b"\$)"}},
                                         {"a\\\nb", {"ab"}},
                                         {"a \\\n b", {"a", "b"}},
                                         {"\"a\\\nb\"", {"ab"}},
                                         {"$HOME ~ && x*", {"$HOME", "~", "&&", "x*"}},
                                         {R"(sh -c 'echo "$X" > f')", {"sh", "-c", R"(echo "$X" > f)"}}}) {
    CAPTURE(c.text);
    auto words = read_words(c.text);
    REQUIRE(words.has_value());
    CHECK(words->words == c.words);
  }
}

TEST_CASE("words: an open quote or a lone backslash is an error") {
  for (const char* text : {"'a", R"(a "b)", R"("a\")", R"(a\)", "'", R"(")"}) {
    CAPTURE(text);
    CHECK_FALSE(read_words(text).has_value());
  }
}

TEST_CASE("words: what only a shell understands is found outside of quotes") {
  struct Case {
    const char* text;
    const char* syntax;
  };
  for (Case c : std::vector<Case>{{"a && b", "&&"},
                                  {"a || b", "||"},
                                  {"a | b", "|"},
                                  {"a; b", ";"},
                                  {"a > f", ">"},
                                  {"a >> f", ">>"},
                                  {"a 2>&1", ">"},
                                  {"a < f", "<"},
                                  {"a &", "&"},
                                  {"a `b`", "`"},
                                  {"a $PORT x", "$PORT"},
                                  {"a ${PORT}", "${PORT"},
                                  {"a $(b)", "$(b"},
                                  {"a ~/x", "~"},
                                  {"~", "~"},
                                  {"A=1 b", "A=1"},
                                  {"'a' b", ""},
                                  {"sh -c 'a && b'", ""},
                                  {R"(sh -c "a $B")", ""},
                                  {R"(a \&\& b)", ""},
                                  {"a x~ y=~z", ""},
                                  {"a $", ""},
                                  {"a --x=1", ""},
                                  {"'A=1' b", ""},
                                  {"./a=b", ""},
                                  {"a '~/x'", ""},
                                  {"a ~user", ""}}) {
    CAPTURE(c.text);
    auto read = read_words(c.text);
    REQUIRE(read.has_value());
    CHECK(read->shell_syntax == c.syntax);
  }
}

TEST_CASE("substitute: placeholders are filled in and doubled braces are braces") {
  Values values{{"port", "20001"}, {"app", "web"}};
  CHECK(substitute("127.0.0.1:{port}", values) == "127.0.0.1:20001");
  CHECK(substitute("{app}-{app}", values) == "web-web");
  CHECK(substitute("{{port}} {{{port}}}", values) == "{port} {20001}");
  CHECK(substitute("", values) == "");
  CHECK(substitute("plain", values) == "plain");
}

TEST_CASE("substitute: an unknown name or a lone brace is an error") {
  Values values{{"port", "1"}, {"app", "web"}};
  CHECK(substitute("{prot}", values).error().what ==
        R"(unknown placeholder "{prot}" (did you mean "{port}"?))");
  for (const char* text :
       {"{", "}", "a{port", "port}", "{}", "{ port }", "{directory}", "{{port}", "{port}}"}) {
    CAPTURE(text);
    CHECK_FALSE(substitute(text, values).has_value());
  }
}

TEST_CASE("nearest: the known word that was meant, or none") {
  constexpr std::string_view kKnown[] = {"health", "environment", "instances", "listen",
                                         "user",   "stop",        "log"};
  CHECK(base::nearest("helth", kKnown) == "health");
  CHECK(base::nearest("Health", kKnown) == "health");
  CHECK(base::nearest("lisetn", kKnown) == "listen");
  CHECK(base::nearest("instance", kKnown) == "instances");
  CHECK(base::nearest("env", kKnown) == "environment");
  CHECK(base::nearest("ligs", kKnown) == "");
  CHECK(base::nearest("lgo", kKnown) == "log");
  CHECK(base::nearest("colour", kKnown) == "");
  CHECK(base::nearest("x", kKnown) == "");
  CHECK(base::nearest("", kKnown) == "");
  CHECK(base::nearest(std::string(100000, 'a'), kKnown) == "");
  CHECK(base::nearest("health", {}) == "");
}

}  // namespace gracevisor::config
