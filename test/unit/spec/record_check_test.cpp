#include "spec/record_check.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;

namespace {

struct Fixture {
  test::TempFolder folder;
  Spec spec;

  Fixture() {
    spec.app.name = "web";
    spec.app.command = {"/bin/sh"};
    spec.app.listen = {"public"};
    spec.app.routes = {config::Route{}};
    spec.program = "/bin/sh";
    spec.directory = folder.path();
  }
  std::string problem() {
    auto checked = check_record(spec, [](const std::string& name) { return name == "public"; });
    return checked ? "" : checked.error().what;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "record check: what can be started passes") {
  CHECK(problem().empty());
  spec.app.listen.clear();
  spec.app.routes.clear();
  CHECK(problem().empty());
  // Found anew for each incarnation.
  spec.app.command = {"./server-{slot}"};
  spec.program = spec.app.command.front();
  CHECK(problem().empty());
}

TEST_CASE_FIXTURE(Fixture, "record check: numbers that no configuration may have") {
  for (unsigned instances : {0U, 1001U, 4'000'000'000U}) {
    spec.app.instances = instances;
    CHECK(problem() == "instances: " + std::to_string(instances) + " is out of range (allowed: 1 to 1000)");
  }
  spec.app.instances = 1000;
  CHECK(problem().empty());
  spec.app.health.interval = config::Millis(0);
  CHECK(problem() == "health.interval: 0 ms is out of range");
  spec.app.health.interval = config::Millis(1);
  spec.app.stop.ladder.clear();
  CHECK(problem() == "stop: no signal");
}

TEST_CASE_FIXTURE(Fixture, "record check: a listener that is gone") {
  spec.app.listen = {"public", "admin"};
  CHECK(problem() == "listen: there is no listener \"admin\"");
  spec.app.listen = {"public"};
  spec.app.routes.clear();
  CHECK(problem() == "routes: none");
}

TEST_CASE_FIXTURE(Fixture, "record check: a program or directory that is gone") {
  spec.program = (folder / "server").string();
  CHECK(problem() == "command: " + spec.program + ": No such file or directory");
  test::put_content(folder / "server", "x");
  CHECK(problem().starts_with("command: " + spec.program + " is not executable for "));
  spec.program = "/bin/sh";
  spec.directory = folder / "gone";
  CHECK(problem() == "directory: " + spec.directory.string() + ": No such file or directory");
  spec.directory = folder / "server";
  CHECK(problem() == "directory: " + spec.directory.string() + ": Not a directory");
}
