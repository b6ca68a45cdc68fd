#include "supervise/listener_logs.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::supervise;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<output::Writer> writer = std::move(*output::Writer::start(*loop));
  ListenerLogs logs{*writer};

  // An old file of `log` that was written to two days ago.
  fs::path put_old(const std::string& log) {
    fs::path old = folder / (log + ".1");
    test::put_content(old, "x\n");
    fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(48));
    return old;
  }
  ListenerRef listener(const std::string& log, std::chrono::hours max_age) {
    config::Listener made;
    made.access_log = log.find('/') == std::string::npos ? (folder / log).string() : log;
    made.access_max_age = max_age;
    return std::make_shared<const config::Listener>(std::move(made));
  }
  bool goes(const fs::path& path) {
    return test::run_until(*loop, [&path] { return !fs::exists(path); });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "listener logs: old files go as the listener in force says, and stay without one") {
  const fs::path a = put_old("a.log");
  logs.settle({{"public", listener("a.log", std::chrono::hours(72))}});
  const fs::path witness = put_old("b.log");
  Definitions both{{"public", listener("a.log", std::chrono::hours(72))},
                   {"other", listener("b.log", std::chrono::hours(1))},
                   {"streams", listener("/dev/stdout", std::chrono::hours(1))}};
  logs.settle(both);
  REQUIRE(goes(witness));
  CHECK(fs::exists(a));
  both["public"] = listener("a.log", std::chrono::hours(24));
  logs.settle(both);
  REQUIRE(goes(a));

  // It has gone, or has another log.
  (void)put_old("a.log");
  both.erase("public");
  both["other"] = listener("c.log", std::chrono::hours(1));
  const fs::path b = put_old("b.log");
  const fs::path c = put_old("c.log");
  logs.settle(both);
  REQUIRE(goes(c));
  CHECK(fs::exists(a));
  CHECK(fs::exists(b));
}
