// Sinks that come and go with what the apps' logs say; the test listens at some of them.
#include "output/sinks.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "loop/loop.h"
#include "loop/wakeup.h"
#include "support/log_socket.h"
#include "support/run_until.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using test::run_until;

namespace {

struct Fixture {
  test::TempFolder folder;
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<loop::Wakeup> news = std::move(*loop::Wakeup::create(*loop, [this] { look(); }));
  std::vector<std::string> told;
  std::unique_ptr<Sinks> sinks;

  void start(base::Duration patience) {
    auto begun = Sinks::start(*loop, *news, nullptr, [] {}, patience);
    REQUIRE(begun.has_value());
    sinks = std::move(*begun);
  }
  void look() {
    if (!sinks) return;
    sinks->look();
    while (auto trouble = sinks->pop_trouble()) {
      const std::string name = std::filesystem::path(trouble->path).filename();
      told.push_back(name + (trouble->cause.empty() ? " restored" : " degraded"));
    }
  }
  void end() {
    sinks->finish();
    sinks.reset();
    news.reset();
    CHECK(loop->close() == 0);
  }

  [[nodiscard]] FilePolicy at(const std::string& name) const {
    FilePolicy policy;
    policy.path = folder / name;
    policy.sink = SinkKind::syslog;
    policy.app = "web";
    return policy;
  }
  void put(const std::string& name, const std::string& text) {
    std::string made;
    append_records(LogFormat::prefixed, {std::chrono::system_clock::now(), "web", "5.1", LogStream::out},
                   text + "\n", made);
    sinks->append(at(name), made, true);
  }
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "sinks: one that no app uses any more gets what is left, and is closed") {
  start(std::chrono::hours(1));
  sinks->use("web", {at("old")});
  put("old", "one");
  REQUIRE(run_until(*loop, [&] { return told == Told{"old degraded"}; }));
  sinks->use("web", {at("new")});
  test::LogSocket newer(folder / "new");
  put("new", "two");
  REQUIRE(run_until(*loop, [&] { return newer.take().size() == 1; }));
  test::LogSocket socket(folder / "old", test::LogSocket::Kind::stream);
  REQUIRE(run_until(*loop, [&] {
    (void)socket.take();
    return socket.closed() == 1;
  }));
  REQUIRE(socket.messages().size() == 1);
  CHECK(socket.messages()[0].ends_with(": one"));
  CHECK(told == Told{"old degraded", "old restored"});
  CHECK(sinks->dropped_lines() == 0);
  end();
}

TEST_CASE_FIXTURE(Fixture, "sinks: what is left for one that nobody listens at and no app uses is given up") {
  start(std::chrono::milliseconds(1));
  sinks->use("web", {at("old")});
  sinks->use("other", {at("old")});
  put("old", "one\ntwo");
  REQUIRE(run_until(*loop, [&] { return told == Told{"old degraded"}; }));
  // Another app uses it.
  sinks->use("web", {});
  put("old", "three");
  sinks->use("other", {});
  REQUIRE(run_until(*loop, [&] { return told.size() == 2; }));
  CHECK(told.back() == "old restored");
  REQUIRE(run_until(*loop, [&] { return sinks->dropped_lines() == 3; }));
  // It is there again as soon as it is needed.
  sinks->use("web", {at("old")});
  put("old", "four");
  test::LogSocket socket(folder / "old");
  REQUIRE(run_until(*loop, [&] { return socket.take().size() == 1; }));
  CHECK(socket.messages()[0].ends_with(": four"));
  CHECK(sinks->dropped_lines() == 3);
  end();
}
