// Requests that were under way at an instance when it died, or only failed: how many are sent again.
#include <doctest/doctest.h>

#include <vector>

#include "support/core_rig.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

constexpr std::size_t kRequests = 8;
constexpr std::size_t kAlways = 3;  // replays that the budget allows a quiet app

struct UnderWay {
  UnderWay() : rig({.apps = CoreRig::Family::local, .instances = 2}) {
    rig.options.reuse = config::ProxyOptions::Reuse::never;
    rig.web.targets = {rig.endpoint(0)};
    rig.publish();
    for (std::size_t i = 0; i < kRequests; ++i) {
      clients.push_back(&rig.connect());
      clients.back()->send(get("/" + std::to_string(i)));
    }
    rig.settle();
    REQUIRE(rig.app_connections() == kRequests);
    for (std::size_t i = 0; i < kRequests; ++i) rig.app(i)->close();
    rig.settle();
  }
  [[nodiscard]] std::size_t answered(const std::string& start) const {
    std::size_t count = 0;
    for (RawEnd* client : clients) count += client->received().starts_with(start) ? 1U : 0U;
    return count;
  }
  CoreRig rig;
  std::vector<RawEnd*> clients;
};

TEST_CASE("dead instance: all that it had under way is sent to the next one, whatever the budget") {
  UnderWay w;
  w.rig.web.targets.clear();
  w.rig.web.mode = routing::AppMode::hold;
  w.rig.publish();
  w.rig.settle();
  w.rig.pass(base::Millis(500));
  CHECK(w.rig.app_connections() == kRequests);
  w.rig.web.targets = {w.rig.endpoint(1)};
  w.rig.web.mode = routing::AppMode::live;
  w.rig.publish();
  w.rig.settle();
  REQUIRE(w.rig.app_connections() == 2 * kRequests);
  for (std::size_t i = kRequests; i < 2 * kRequests; ++i) w.rig.app(i)->send(ok("saved"));
  w.rig.settle();
  CHECK(w.answered("HTTP/1.1 200 ") == kRequests);
}

TEST_CASE("dead instance: one that lives on and only closes connections gets what the budget allows") {
  UnderWay w;
  w.rig.pass(base::Millis(100));
  CHECK(w.rig.app_connections() == kRequests + kAlways);
  CHECK(w.answered("HTTP/1.1 502 ") == kRequests - kAlways);
}

}  // namespace
}  // namespace gracevisor::test
