// The request path of a worker allocates nothing once its buffers have grown: neither by operator new nor,
// through libuv or anything else, by malloc.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "unit/steady/open_path.h"
#include "unit/steady/steps.h"

namespace gracevisor::test {

TEST_CASE("worker: what it allocates is counted at all") {
  count_others_only();
  std::size_t before = allocations();
  ProxyRig rig;
  CHECK(allocations() > before);
}

TEST_CASE(
    "worker: exchanges on open connections allocate nothing, over TCP and Unix sockets, logged or not") {
  count_others_only();
  TempFolder folder;
  for (bool local : {false, true}) {
    auto where = local ? *base::Address::unix_path((folder / "app.sock").string())
                       : base::Address::tcp_loopback(base::Port(0));
    FakeApp app(base::GenerationId(1), where);
    ProxyRig rig({app.endpoint()});
    rig.options.reuse = config::ProxyOptions::Reuse::always;
    for (bool logged : {false, true}) {
      CAPTURE(local);
      CAPTURE(logged);
      if (logged) {
        rig.web.access = routing::access_sink("/var/log/gracevisor/a-rather-long-name.access.log", {});
        stock_access_lane(rig);
      }
      rig.publish();
      OpenPath path(rig, app, plain());
      CHECK(allocated_by([&] { path.exchange(plain()); }) == 0);
      CHECK(allocated_by([&] { path.exchange(upload("POST")); }) == 0);
      CHECK(allocated_by([&] { path.exchange(chunked_upload("POST")); }) == 0);
      CHECK(allocated_by([&] { path.exchange(form("POST")); }) == 0);
      CHECK(allocated_by([&] { path.exchange_in_two(upload("POST")); }) == 0);
      CHECK(allocated_by([&] { path.exchange(chunked_response()); }) == 0);
    }
  }
}

TEST_CASE("worker: uploads that may be repeated allocate nothing by default") {
  count_others_only();
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  OpenPath path(rig, app, plain());
  CHECK(allocated_by([&] { path.exchange(upload("PUT")); }) == 0);
  CHECK(allocated_by([&] { path.exchange(chunked_upload("PUT")); }) == 0);
  CHECK(allocated_by([&] { path.exchange_in_two(chunked_upload("PUT")); }) == 0);
  rig.options.request_buffer = 0;
  rig.publish();
  CHECK(allocated_by([&] { path.exchange(upload("PUT")); }) == 0);
  CHECK(allocated_by([&] { path.exchange(chunked_upload("PUT", false)); }) == 0);
}

TEST_CASE("worker: requests of two apps in turn allocate nothing") {
  count_others_only();
  FakeApp first;
  FakeApp second;
  ProxyRig rig({first.endpoint()});
  routing::AppRoutes& other = rig.more.emplace_back(rig.web);
  other.id = base::AppId(2);
  other.name = "other";
  other.targets = {second.endpoint()};
  other.ledger = std::make_shared<routing::AppLedger>(1);
  rig.routes = {{"one.example.com", "/", rig.web.id}, {"two.example.com", "/", other.id}};
  rig.publish();
  OpenPath one(rig, first, plain("one.example.com"));
  OpenPath two(rig, second, plain("two.example.com"));
  CHECK(allocated_by([&] {
          one.exchange(plain("one.example.com"));
          two.exchange(plain("two.example.com"));
        }) == 0);
  CHECK(second.cell().requests.read() == kWarmUp + kCounted + 1);
}

TEST_CASE("worker: a response of 1 MB allocates nothing while the client takes it as it comes") {
  count_others_only();
  constexpr std::size_t kPiece = 32768;
  constexpr std::size_t kPieces = 32;
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  OpenPath path(rig, app, plain());
  const std::string piece(kPiece, 'x');
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n";
  CHECK(allocated_by([&] {
          REQUIRE(path.client().send(get("/")));
          REQUIRE(!path.side().read_past("\r\n\r\n").empty());
          REQUIRE(path.side().send(head));
          REQUIRE(!path.client().read_past("\r\n\r\n").empty());
          for (std::size_t i = 0; i < kPieces; ++i) {
            REQUIRE(path.side().send(piece));
            REQUIRE(path.client().read_exactly(kPiece).size() == kPiece);
          }
        }) == 0);
}

TEST_CASE("worker: waiting for an instance allocates nothing") {
  count_others_only();
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  OpenPath path(rig, app, plain());
  auto live = [&](bool is_live) {
    rig.web.mode = is_live ? routing::AppMode::live : routing::AppMode::hold;
    rig.web.targets.clear();
    if (is_live) rig.web.targets.push_back(app.endpoint());
    rig.publish();
  };
  // Adoptions and new connections allocate; a request that waits between them adds nothing to that.
  auto without = allocated_by([&] {
    live(false);
    live(true);
    path.dialled_exchange(plain());
  });
  auto with = allocated_by([&] {
    live(false);
    std::uint64_t held = rig.counts().held.read();
    REQUIRE(path.client().send(plain().request));
    REQUIRE(eventually([&] { return rig.counts().held.read() > held; }));
    live(true);
    path.finish_dialled(plain());
  });
  CHECK(with <= without + kSlack);
}

}  // namespace gracevisor::test
