// Settings and checks as people see them, by example.
#include <doctest/doctest.h>

#include "gvctl/render.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;

TEST_CASE("show: TOML, with where each value comes from and what the files say instead") {
  const std::string file = "/etc/gv.toml:7";
  control::Settings settings{.app = "web", .generation = 42, .remarks = {"configuration\x1b[2J differs"}};
  settings.settings = {
      {"app.web", "command", R"(["a"])", "file", file},
      {"app.web", "instances", "4", "scale", file, "2"},
      {"app.web", "environment", R"({ A = "***" })", "frozen", file, R"({ A = "***" })"},
      {"app.web", "user", R"("ada")", "frozen", "", ""},
      {"app.web.deploy", "guard", R"("1s")", "frozen", "", R"("10s")"},
      {"app.web.deploy", "hold", R"("10s")", "default"},
      {"app.web.health", "type", R"("tcp")", "implied"},
      {"app.web.health", "path", "", "frozen", file, R"("/x")"},
  };
  CHECK(render(settings) ==
        "# web@42\n# configuration\\x1b[2J differs\n"
        "\n[app.web]\n"
        "command = [\"a\"]              # /etc/gv.toml:7\n"
        "instances = 4                # gvctl scale; /etc/gv.toml:7 has 2\n"
        "environment = { A = \"***\" }  # frozen @42; /etc/gv.toml:7 has another value\n"
        "user = \"ada\"                 # frozen @42; the files do not set it\n"
        "\n[app.web.deploy]\n"
        "guard = \"1s\"                 # frozen @42; the files have \"10s\" (default)\n"
        "hold = \"10s\"                 # default\n"
        "\n[app.web.health]\n"
        "type = \"tcp\"                 # follows from other keys\n"
        "# path is not set            # frozen @42; /etc/gv.toml:7 has \"/x\"\n");
  CHECK(render(control::Settings{.app = "web"}) == "# web\n");
}

TEST_CASE("check: a summary and the map with warnings apart, or the errors") {
  control::FileCheck check{.summary = "gv.toml: 1 app: ok", .ok = true, .map = {"*:80  /  web"}};
  check.warnings = {"gv.toml:3:1: \x1b"};
  CHECK(render(check) == "gv.toml: 1 app: ok\n*:80  /  web\n");
  CHECK(render_findings(check) == "warning: gv.toml:3:1: \\x1b\n");
  check = {.summary = "gv.toml: 1 error", .errors = {"gv.toml:4:1: bad"}};
  CHECK(render(check).empty());
  CHECK(render_findings(check) == "gv.toml:4:1: bad\ngv.toml: 1 error\n");
}
