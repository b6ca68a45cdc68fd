// Connections to instances are used again: by how many clients at once, and when no more of them are kept.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "support/core_rig.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using namespace std::chrono_literals;

// Descriptors for many clients and instances in one program.
struct ManyFiles {
  ManyFiles() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit most = before;
    most.rlim_cur = most.rlim_max;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &most) == 0);
  }
  ManyFiles(const ManyFiles&) = delete;
  ManyFiles& operator=(const ManyFiles&) = delete;
  ~ManyFiles() { (void)::setrlimit(RLIMIT_NOFILE, &before); }
  rlimit before{};
};

struct Crowd {
  explicit Crowd(std::size_t count) : rig({.clients = CoreRig::Family::local}) {
    for (std::size_t i = 0; i < count; ++i) clients.push_back(&rig.connect());
  }
  // So many of the clients ask at the same time; all are answered.
  void ask(std::size_t count, const std::string& request = get("/")) {
    for (std::size_t i = 0; i < count; ++i) clients[i]->send(request);
    rig.settle();
    CHECK(rig.leases() == count);
    for (std::size_t i = 0; i < rig.app_connections(); ++i) {
      if (!rig.app(i)->take().empty()) rig.app(i)->send(ok("done"));
    }
    rig.settle();
    CHECK(rig.leases() == 0);
    for (std::size_t i = 0; i < count; ++i) CHECK(clients[i]->take().ends_with("\r\n\r\ndone"));
  }
  [[nodiscard]] std::size_t open() {
    std::size_t count = 0;
    for (std::size_t i = 0; i < rig.app_connections(); ++i) count += rig.app(i)->end() == End::open ? 1U : 0U;
    return count;
  }
  CoreRig rig;
  std::vector<RawEnd*> clients;
};

TEST_CASE("reuse: 600 requests at once, again and again, take 600 connections in all") {
  constexpr std::size_t kMany = 600;
  ManyFiles files;
  Crowd crowd(kMany);
  for (int batch = 0; batch < 3; ++batch) crowd.ask(kMany);
  crowd.ask(kMany / 2);
  crowd.ask(kMany);
  CHECK(crowd.rig.app_connections() == kMany);
  CHECK(crowd.open() == kMany);
}

TEST_CASE("reuse: connections beyond what is needed now grow old, those in use stay") {
  constexpr std::size_t kFew = 3;
  Crowd crowd(10);
  crowd.ask(10);
  for (int i = 0; i < 5; ++i) {
    crowd.rig.pass(1s);
    crowd.ask(kFew);
  }
  CHECK(crowd.open() == kFew);
  CHECK(crowd.rig.app_connections() == 10);
}

TEST_CASE("reuse: a connection of a request that must not be repeated is kept only where none is idle") {
  Crowd crowd(3);
  crowd.ask(3, "POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n");
  CHECK(crowd.rig.app_connections() == 3);
  CHECK(crowd.open() == 1);
  crowd.ask(2);
  CHECK(crowd.rig.app_connections() == 4);
  CHECK(crowd.open() == 2);
}

}  // namespace
}  // namespace gracevisor::test
