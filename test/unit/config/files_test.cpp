// Several files: includes, and what is said twice.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "loading.h"

namespace gracevisor::config {

using test::Folder;
using test::lines;
using test::ordinary;
using Strings = std::vector<std::string>;

namespace {

std::string app(const std::string& name, const std::string& port) {
  return "[app." + name + "]\ncommand = \"server\"\nlisten = \"127.0.0.1:" + port + "\"\n";
}

Strings errors_in(const std::string& file, const DaemonUser& user = ordinary()) {
  auto loaded = load(file, user);
  REQUIRE_FALSE(loaded.has_value());
  return lines(loaded.error());
}

Config loaded(const std::string& file, const DaemonUser& user = ordinary()) {
  auto result = load(file, user);
  REQUIRE_MESSAGE(result.has_value(), test::joined(lines(result.error())));
  return std::move(result->config);
}

}  // namespace

TEST_CASE("files: a file that is no text is told so, with its first NUL") {
  const std::string text(
      "\x7f"
      "ELF\n\2\0\1",
      8);
  CHECK(test::errors_of(text) ==
        std::vector<std::string>{
            "/etc/gv.toml:2:2: this is a NUL byte: a configuration is text, and this file is not"});
}

TEST_CASE("include: globs are relative to their file and sorted, and each file may hold any table") {
  Folder folder;
  auto main =
      folder.write("gv.toml", "include = [\"conf.d/*.toml\", \"more/one.toml\"]\n" + app("main", "81"));
  auto b = folder.write("conf.d/b.toml", "[listen.public]\naddress = \"*:80\"\n");
  auto a = folder.write("conf.d/a.toml", "[daemon]\nworkers = 2\n" + app("a", "82") + "directory = \"x\"\n");
  folder.write("conf.d/c.toml.bak", "not TOML");
  auto one = folder.write("more/one.toml", "include = \"two.toml\"\n");
  auto two = folder.write("more/two.toml", "[app.two]\ncommand = \"a\"\nlisten = \"public\"\n");
  Config config = loaded(main);
  CHECK(config.files == std::vector<std::filesystem::path>{main, a, b, one, two});
  REQUIRE(config.apps.size() == 3);
  CHECK(config.apps[0].name == "main");
  CHECK(config.apps[1].name == "a");
  CHECK(config.apps[1].directory == folder.path("conf.d/x"));
  CHECK(config.apps[1].source.file == a);
  CHECK(config.apps[2].name == "two");
  CHECK(config.daemon.workers == 2);
}

TEST_CASE("include: a glob may match nothing, a plain path must exist") {
  Folder folder;
  CHECK(loaded(folder.write("a.toml", "include = [\"conf.d/*.toml\", \"x[0-9].toml\"]\n")).apps.empty());
  auto main = folder.write("b.toml", "include = [\"gone.toml\"]\n");
  CHECK(errors_in(main) == Strings{main + ":1:12: include: cannot open " + folder.path("gone.toml") +
                                   ": No such file or directory"});
  CHECK(errors_in(folder.write("c.toml", "include = \"~/x.toml\"\n")).size() == 1);
  CHECK(errors_in(folder.write("d.toml", "include = \"\"\n")).size() == 1);
}

TEST_CASE("include: cycles and files included twice are refused") {
  Folder folder;
  auto self = folder.write("self.toml", "include = \"self.toml\"\n");
  CHECK(errors_in(self) == Strings{self + ":1:11: include: " + self + " includes itself"});
  auto a = folder.write("a.toml", "include = \"b.toml\"\n");
  auto b = folder.write("b.toml", "include = \"./a.toml\"\n");
  CHECK(errors_in(a) ==
        Strings{b + ":1:11: include: " + folder.path("./a.toml") + " includes itself, by way of this file"});
  folder.write("leaf.toml", "");
  auto twice = folder.write("twice.toml", "include = [\"leaf.toml\", \"leaf.toml\"]\n");
  CHECK(errors_in(twice) ==
        Strings{twice + ":1:25: include: " + folder.path("leaf.toml") + " is included twice"});
}

TEST_CASE("include: depth and number of files are bounded") {
  Folder folder;
  for (int i = 0; i < 12; ++i) {
    folder.write("deep" + std::to_string(i) + ".toml",
                 R"(include = "deep)" + std::to_string(i + 1) + ".toml\"\n");
  }
  auto errors = errors_in(folder.path("deep0.toml"));
  REQUIRE(errors.size() == 1);
  CHECK(errors.front().ends_with("includes nest deeper than 8 files"));
  for (int i = 0; i < 300; ++i) folder.write("many/" + std::to_string(i) + ".toml", "");
  errors = errors_in(folder.write("many.toml", "include = \"many/*.toml\"\n"));
  CHECK(errors.size() == 45);
  CHECK(errors.front().ends_with("more than 256 files"));
}

TEST_CASE("files: the errors of all of them come at once, sorted by file and place") {
  Folder folder;
  auto main = folder.write(
      "gv.toml", "include = \"conf.d/*.toml\"\n[app.web]\nlisten = \"127.0.0.1:80\"\ninstnces = 1\n");
  auto a = folder.write("conf.d/a.toml", "[app.a]\ncommand = \n");
  auto b = folder.write("conf.d/b.toml", "[daemon]\nworkers = -1\n" + app("b", "81") + "guard = \"1s\"\n");
  auto errors = errors_in(main);
  REQUIRE(errors.size() == 5);
  CHECK(errors[0].starts_with(a + ":2:"));
  CHECK(errors[1].starts_with(b + ":2:11: daemon.workers: "));
  CHECK(errors[2].starts_with(b + ":6:1: app.b.guard: unknown key"));
  CHECK(errors[3] == main + ":2:6: app.web: an app needs a command");
  CHECK(errors[4] == main + R"(:4:1: app.web.instnces: unknown key (did you mean "instances"?))");
}

TEST_CASE("files: the same app, listener or daemon key in two files names both places") {
  Folder folder;
  auto main = folder.write(
      "gv.toml",
      "include = \"other.toml\"\n[daemon]\nworkers = 2\n[listen.p]\naddress = \"*:80\"\n" + app("web", "81"));
  auto other = folder.write("other.toml",
                            "[daemon]\nworkers = 3\n[listen.p]\naddress = \"*:90\"\n" + app("web", "91"));
  CHECK(errors_in(main) == Strings{other + ":2:1: daemon.workers: is already set at " + main + ":3:1",
                                   other + ":3:9: listen.p: is already defined at " + main + ":4:9",
                                   other + ":5:6: app.web: is already defined at " + main + ":6:6"});
}

TEST_CASE("files: the same route in two files names both places") {
  Folder folder;
  auto main = folder.write("gv.toml",
                           "include = \"other.toml\"\n[listen.p]\naddress = \"*:80\"\n[app.a]\ncommand = "
                           "\"a\"\nlisten = \"p\"\nroute = \"x.com\"\n");
  auto other = folder.write("other.toml", "[app.b]\ncommand = \"b\"\nlisten = \"p\"\nroute = \"x.com\"\n");
  CHECK(errors_in(main) ==
        Strings{other + R"(:4:9: app.b.route: "x.com" on p belongs to app.a already, at )" + main + ":7:9"});
}

TEST_CASE("files: one that is missing, too large or no file is an error") {
  Folder folder;
  CHECK(errors_in(folder.path("gone.toml")) ==
        Strings{folder.path("gone.toml") + ":1:1: cannot open " + folder.path("gone.toml") +
                ": No such file or directory"});
  CHECK(errors_in(folder.write("large.toml", "#" + std::string(1U << 20, 'x'))).size() == 1);
  CHECK(errors_in(folder.path("")).size() == 1);
}

TEST_CASE("files: root refuses a file that others can write") {
  Folder folder;
  auto open = folder.write("open.toml", app("web", "80"), 0664);
  CHECK(
      errors_in(open, root_user()) ==
      Strings{open +
              ":1:1: the file can be written by its group or by others (mode 0664), and the daemon is root: "
              "chmod go-w " +
              open});
  CHECK(loaded(open).apps.size() == 1);
  auto closed = folder.write("closed.toml", "include = \"open.toml\"\n", 0644);
  CHECK(errors_in(closed, root_user()).size() == 1);
  CHECK(loaded(folder.write("fine.toml", app("web", "80"), 0600), root_user()).apps.size() == 1);
  CHECK(errors_in(folder.write("world.toml", "", 0602), root_user()).size() == 1);
}

TEST_CASE("files: text is read as if it stood in its file") {
  Folder folder;
  folder.write("more.toml", app("more", "82"));
  auto result = load_text("include = \"more.toml\"\n", folder.path("gv.toml"), ordinary());
  REQUIRE(result.has_value());
  CHECK(result->config.apps.size() == 1);
  CHECK(load_text("[app.web]\ncommand = \"a\"\nlisten = \"127.0.0.1:1\"\n", "gv.toml").has_value());
}

TEST_CASE("files: hostile nesting is refused before it is parsed") {
  std::string dots = "a";
  for (int i = 0; i < 200000; ++i) dots += ".a";
  CHECK(test::errors_of(dots + " = 1\n") == Strings{"/etc/gv.toml:1:32: a key has more than 16 parts"});
  CHECK(test::errors_of("\n[" + dots + "]\n") == Strings{"/etc/gv.toml:2:33: a key has more than 16 parts"});
  CHECK(test::errors_of("x = " + std::string(100000, '[')) ==
        Strings{"/etc/gv.toml:1:37: brackets nest deeper than 32 levels"});
  std::string both = "x = ";
  for (int i = 0; i < 10000; ++i) both += "{ a.b.c.d = ";
  CHECK(test::errors_of(both).size() == 1);
}

TEST_CASE("files: a table without a name is refused before it is parsed") {
  const std::string missing =
      "a table's name is missing, or begins with none of A-Z a-z 0-9 _ - and quotes: [daemon]";
  for (const char* header : {"[\nupgraded = daemon]", "[.x]", "[=]", "[#]", "[ \r\n", "[[\nx]]", "[[[x]]]",
                             "[\xc3\xa9]", "[\x01]", "\t [,]"}) {
    CAPTURE(header);
    const std::string text(header);
    const std::string column = std::to_string(1 + text.find('['));
    CHECK(test::errors_of(text) == Strings{"/etc/gv.toml:1:" + column + ": " + missing});
    CHECK(test::errors_of("\xef\xbb\xbf" + text).front().ends_with(missing));
    CHECK(test::errors_of("include = [\n[1], [2]\n] # [\n" + text).front() ==
          "/etc/gv.toml:4:" + column + ": " + missing);
  }
  // What else is wrong with a header is the parser's to say.
  for (const char* header : {"[", "[[", "[]", "[[]]", "[a", "[a\nb]", "[ [a]]"}) {
    CAPTURE(header);
    CHECK(test::errors_of(header).front().find(missing) == std::string::npos);
  }
  for (const char* header : {"[ daemon ]", "\t[\"daemon\"]", "['daemon']"}) {
    CAPTURE(header);
    CHECK(test::errors_of(std::string(header) + "\nworkers = 1\n[x]\n") ==
          test::errors_of("[daemon]\nworkers = 1\n[x]\n"));
  }
}

TEST_CASE("files: dots and brackets in strings and comments are no nesting") {
  std::string many(1000, '.');
  std::string brackets(1000, '[');
  CHECK(test::errors_of("# " + many + brackets + "\n" + app("web", "80") + R"(environment = { A = ")" + many +
                        brackets + R"(\")" + many + R"(", B = ')" + many + "', C = \"\"\"\n" + many + R"(")" +
                        many + R"("""", D = ''')" + many + "''' }\n")
            .empty());
}

}  // namespace gracevisor::config
