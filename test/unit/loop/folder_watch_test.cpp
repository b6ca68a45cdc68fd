#include "loop/folder_watch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

struct Fixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  TempFolder folder;
  unsigned events = 0;
  std::string last;  // the name that the last of them came with

  [[nodiscard]] std::unique_ptr<loop::FolderWatch> watch() {
    auto watch = loop::FolderWatch::create(*loop, folder.path(), [this](const std::string& name) {
      ++events;
      last = name;
    });
    REQUIRE(watch.has_value());
    return std::move(*watch);
  }
  // Has something been told since?
  bool told() {
    const bool any = run_until(*loop, [this] { return events > 0; });
    loop->run_once(false);  // the rest of what one change is told as
    events = 0;
    return any;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "folder watch: files that are made, changed, renamed and removed are told") {
  {
    const auto watched = watch();
    (void)folder.write("a", "1");
    CHECK(told());
    CHECK(last == "a");
    (void)folder.write("a", "2");
    CHECK(told());
    std::filesystem::rename(folder / "a", folder / "b");
    CHECK(told());
    std::filesystem::remove(folder / "b");
    CHECK(told());
    CHECK(last == "b");
  }
  CHECK(loop->close() == 0);
}

TEST_CASE_FIXTURE(Fixture, "folder watch: it may end in its own callback") {
  {
    auto watched = watch();
    unsigned calls = 0;
    auto second = loop::FolderWatch::create(*loop, folder.path(), [&](const std::string& /*name*/) {
      ++calls;
      watched.reset();
    });
    REQUIRE(second.has_value());
    (void)folder.write("a", "1");
    CHECK(run_until(*loop, [&] { return calls > 0; }));
  }
  CHECK(loop->close() == 0);
}

TEST_CASE_FIXTURE(Fixture, "folder watch: a folder that is not there is an error") {
  const auto none = loop::FolderWatch::create(*loop, folder / "none", [](const std::string& /*name*/) {});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().what.starts_with("cannot watch " + (folder / "none").string()));
  CHECK(loop->close() == 0);
}
