// The request path of a worker allocates nothing once its buffers have grown, with an access log too.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

#include "proxy/access_outbox.h"
#include "support/proxy_rig.h"

namespace {
// Of all threads but the test's own.
std::atomic<std::size_t> allocations{0};
thread_local bool is_the_test = false;
}  // namespace

void* operator new(std::size_t size) {
  if (!is_the_test) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace gracevisor::test {
namespace {

// What a worker allocates for `count` exchanges on connections that are open already.
std::size_t allocated_for(int count, Peer& client, Peer& side, ProxyRig& rig) {
  std::size_t before = allocations;
  for (int i = 0; i < count; ++i) {
    REQUIRE(client.send(get("/some/path?page=2",
                            "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
                            "Referer: https://example.com/\r\nX-Request-Id: 1234\r\n")));
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(ok("hello")));
    REQUIRE(client.read_message().ends_with("hello"));
    // The writer's part.
    routing::AccessLane& lane = rig.port().access;
    while (auto batch = lane.filled.pop()) {
      lane.taken.add(batch->text.size());
      batch->text.clear();
      (void)lane.spent.push(std::move(*batch));
    }
  }
  return allocations - before;
}

}  // namespace

TEST_CASE("worker: the steady state of the request path allocates nothing, logged or not") {
  is_the_test = true;
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  for (bool logged : {false, true}) {
    CAPTURE(logged);
    if (logged) {
      rig.web.access = routing::access_sink("/var/log/gracevisor/a-rather-long-name.access.log", {});
      rig.publish();
      // More than a test that is held up can leave on the way at a time.
      for (std::size_t i = 0; i + 1 < routing::AccessLane::kSpent; ++i) {
        routing::AccessBatch spent;
        spent.to = *rig.web.access;
        spent.text.reserve(proxy::AccessOutbox::kBatch + proxy::kLongestAccessLine);
        REQUIRE(rig.port().access.spent.push(std::move(spent)));
      }
    }
    Peer client = rig.connect();
    REQUIRE(client.send(get("/first")));
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(ok("x")));
    REQUIRE(!client.read_message().empty());
    (void)allocated_for(100, client, side, rig);
    CHECK(allocated_for(400, client, side, rig) == 0);
  }
  CHECK(allocations > 0);
  is_the_test = false;
}

}  // namespace gracevisor::test
