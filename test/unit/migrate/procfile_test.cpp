// Procfiles as configurations of ours.
#include "migrate/shell.h"
#include "unit/migrate/importing.h"

using namespace gracevisor;
using namespace gracevisor::migrate;
using namespace gracevisor::migrate::test;

namespace {

Imported from(const std::string& text) {
  return imported(Foreign::procfile, "/srv/shop/Procfile", text);
}

Words command_of(const std::string& line) {
  auto read = read_shell_command(line);
  REQUIRE_MESSAGE(read.has_value(), line);
  return read->words;
}

}  // namespace

TEST_CASE("Procfile: a shell is used only where one is needed") {
  struct Row {
    std::string line;
    Words words;
  };
  const Row rows[] = {
      {"node index.js", {"node", "index.js"}},
      {"exec node index.js", {"node", "index.js"}},
      {"A=1 B='x y' node i.js", {"node", "i.js"}},
      {"a --port $PORT -b 0.0.0.0:${PORT}", {"a", "--port", "{port}", "-b", "0.0.0.0:{port}"}},
      {"a ${PORT:-5000} \"p$PORT\"", {"a", "{port}", "p{port}"}},
      {"a '$PORT' '{x}' 'a;b'", {"a", "$PORT", "{{x}}", "a;b"}},
      {"a $PORTS", {"sh", "-c", "exec a $PORTS"}},
      {"a $HOME {b}", {"sh", "-c", "exec a $HOME {{b}}"}},
      {"cd x && a $PORT", {"sh", "-c", "cd x && exec a $PORT"}},
      {"a; b", {"sh", "-c", "a; b"}},
      {"a | b", {"sh", "-c", "a | b"}},
      {"a & b", {"sh", "-c", "a & b"}},
      {"a > log 2>&1", {"sh", "-c", "exec a > log 2>&1"}},
      {"A=1 a *.txt", {"sh", "-c", "exec env A=1 a *.txt"}},
      {"(a)", {"sh", "-c", "(a)"}},
      {"a `b`", {"sh", "-c", "exec a `b`"}},
      {"if x; then y; fi", {"sh", "-c", "if x; then y; fi"}},
      {"A=$HOME a", {"sh", "-c", "exec env A=$HOME a"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.line);
    CHECK(command_of(row.line) == row.words);
  }
  CHECK(!read_shell_command("a 'b").has_value());
  CHECK(!read_shell_command("A=1").has_value());
  CHECK(!read_shell_command(std::string(20'000, 'a')).has_value());
  CHECK(read_shell_command("A=1 B='x y' node")->environment == Environment{{"A", "1"}, {"B", "x y"}});
}

TEST_CASE("Procfile: web is reached by clients, the others are not") {
  Imported result = from("web: node index.js\nworker: node jobs.js\napi: node api.js $PORT\n");
  CHECK(result.app("web").listen == Words{"0.0.0.0:8080"});
  CHECK(result.app("web").endpoint == config::EndpointKind::port);
  CHECK(result.app("web").directory == "/srv/shop");
  CHECK(result.app("worker").endpoint == config::EndpointKind::none);
  CHECK(result.app("api").listen == Words{"0.0.0.0:8081"});
  CHECK(result.says("#health = \"/health\""));
}

TEST_CASE("Procfile: instances of a known server are for the proxy alone") {
  CHECK(from("web: gunicorn -b 0.0.0.0:$PORT a\n").app("web").command ==
        Words{"gunicorn", "-b", "127.0.0.1:{port}", "a"});
  CHECK(from("web: PORT=3000 puma\n").app("web").listen == Words{"*:3000"});
  CHECK(from("web: gunicorn -b 0.0.0.0:5000 a\n").app("web").listen == Words{"0.0.0.0:5000"});
}

TEST_CASE("Procfile: release and odd lines are comments") {
  Imported result = from("# x\nrelease: rake db:migrate\nnonsense\nweb: a\n");
  CHECK(result.config.apps.size() == 1);
  CHECK(result.says("# Procfile:2: release: rake db:migrate: no command runs before a deploy"));
  CHECK(result.says("# Procfile:3: nonsense: not NAME: COMMAND"));
  CHECK(refusal(Foreign::procfile, "/srv/Procfile", "web: a 'b\n") ==
        "Procfile:1: web: a 'b: the quote ' is not closed");
  CHECK(refusal(Foreign::procfile, "/srv/Procfile", "# x\n") == "Procfile: no NAME: COMMAND in it");
}
