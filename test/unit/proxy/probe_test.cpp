// Health checks through a real worker.
#include <doctest/doctest.h>

#include "support/proxy_rig.h"

namespace gracevisor::test {
namespace {

using routing::ProbeOutcome;
using namespace std::chrono_literals;

struct Probed {
  Probed() : check(std::make_shared<config::Health>()), box(std::make_shared<routing::ProbeBox>()) {
    check->path = "/up";
    check->path_given = true;
  }
  routing::ProbeOrder order(const FakeApp& app, std::uint64_t serial = 1) const {
    return {app.endpoint(), serial, check, "example.com", true, 60s, box};
  }
  // The first report that says so.
  template <class Says>
  bool reports(const Says& says) {
    return eventually([&] {
      if (auto newer = box->take()) last = *newer;
      return last.tries > 0 && says(last);
    });
  }
  bool reports(ProbeOutcome outcome) {
    return reports([&](const routing::ProbeReport& report) { return report.last == outcome; });
  }
  std::shared_ptr<config::Health> check;
  std::shared_ptr<routing::ProbeBox> box;
  routing::ProbeReport last;
};

TEST_CASE("probe: the first one comes at once, says who it is, and passes on an expected status") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  probed.check->proto = "https";
  probed.check->headers = {{"X-Key", "secret"}};
  rig.probes = {probed.order(app)};
  rig.publish();
  auto rings = rig.rings();
  Peer side = app.accept();
  std::string request = side.read_past("\r\n\r\n");
  CHECK(request.starts_with("GET /up HTTP/1.1\r\nHost: example.com\r\n"));
  for (const char* field : {"User-Agent: gracevisor-health/" GV_VERSION "\r\n", "Connection: close\r\n",
                            "X-Forwarded-Proto: https\r\n", "X-Key: secret\r\n"}) {
    CHECK(request.find(field) != std::string::npos);
  }
  REQUIRE(side.send(ok("up")));
  CHECK(probed.reports(ProbeOutcome::passed));
  CHECK(probed.last.status == 200);
  CHECK(probed.last.serial == 1);
  CHECK(probed.last.passes_in_a_row == 1);
  CHECK(eventually([&] { return rig.rings() > rings; }));
  CHECK(side.read_to_end().empty());
}

TEST_CASE("probe: failures of a starting app are repeated soon, and counted until it passes") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  rig.probes = {probed.order(app)};
  rig.publish();
  for (int i = 0; i < 4; ++i) {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"));
  }
  CHECK(probed.reports([](const auto& report) { return report.failures_in_a_row == 4; }));
  CHECK(probed.last.last == ProbeOutcome::wrong_status);
  CHECK(probed.last.status == 302);
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("up")));
  CHECK(probed.reports(ProbeOutcome::passed));
  CHECK(probed.last.tries == 5);
  CHECK(probed.last.failures_in_a_row == 0);
}

TEST_CASE("probe: a failed one shows the Host that was sent, the redirect and the beginning of the body") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  rig.probes = {probed.order(app)};
  rig.publish();
  {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send("HTTP/1.1 301 Moved\r\nlocation: https://example.com/" + std::string(300, 'x') +
                      "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ngo \r\n4\r\naway\r\n0\r\n\r\n"));
  }
  CHECK(probed.reports([](const auto& report) { return report.status == 301; }));
  CHECK(probed.last.evidence.host == "example.com");
  CHECK(probed.last.evidence.location.starts_with("https://example.com/xxx"));
  CHECK(probed.last.evidence.location.size() == routing::kProbeEvidence);
  CHECK(probed.last.evidence.body == "go away");
  {
    // A body without end: what is shown is enough.
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send("HTTP/1.1 500 Oops\r\n\r\n" + std::string(1000, 'y')));
    CHECK(probed.reports([](const auto& report) { return report.status == 500; }));
    CHECK(probed.last.last == ProbeOutcome::wrong_status);
    CHECK(probed.last.evidence.body == std::string(routing::kProbeEvidence, 'y'));
  }
  {
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send("SSH-2.0-OpenSSH\r\n\r\n"));
    CHECK(probed.reports(ProbeOutcome::malformed));
    CHECK(probed.last.evidence.body.starts_with("SSH-2.0"));
  }
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  REQUIRE(side.send(ok("up")));
  CHECK(probed.reports(ProbeOutcome::passed));
  CHECK(probed.last.evidence == routing::ProbeEvidence{});
}

TEST_CASE("probe: a User-Agent of the check's own replaces ours") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  probed.check->headers = {{"user-agent", "mine"}};
  rig.probes = {probed.order(app)};
  rig.publish();
  Peer side = app.accept();
  const std::string request = side.read_past("\r\n\r\n");
  CHECK(request.find("user-agent: mine\r\n") != std::string::npos);
  CHECK(request.find("gracevisor-health") == std::string::npos);
}

TEST_CASE("probe: what goes wrong is told apart") {
  FakeApp refusing;
  refusing.close();
  ProxyRig rig;
  Probed refused;
  rig.probes = {refused.order(refusing)};
  rig.publish();
  CHECK(refused.reports(ProbeOutcome::refused));

  FakeApp app;
  Probed silent;
  silent.check->start_timeout = 30ms;
  rig.probes = {silent.order(app, 2)};
  rig.publish();
  Peer side = app.accept();
  CHECK(silent.reports(ProbeOutcome::timed_out));

  for (auto [bytes, outcome] :
       {std::pair{"SSH-2.0-x\r\n\r\n", ProbeOutcome::malformed},
        std::pair{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", ProbeOutcome::broken},
        std::pair{"HTTP/1.1 200", ProbeOutcome::broken}}) {
    FakeApp other;
    Probed probed;
    rig.probes = {probed.order(other, 3)};
    rig.publish();
    Peer answering = other.accept();
    REQUIRE(!answering.read_past("\r\n\r\n").empty());
    REQUIRE(answering.send(bytes));
    answering.finish_writing();
    CHECK(probed.reports(outcome));
  }
}

TEST_CASE("probe: without a path anything complete below 500 passes") {
  ProxyRig rig;
  std::uint64_t serial = 0;
  for (auto [status, outcome] : {std::pair{"404 Not Found", ProbeOutcome::passed},
                                 std::pair{"500 Oops", ProbeOutcome::wrong_status}}) {
    FakeApp app;
    Probed probed;
    probed.check->path_given = false;
    rig.probes = {probed.order(app, ++serial)};
    rig.publish();
    Peer side = app.accept();
    REQUIRE(!side.read_past("\r\n\r\n").empty());
    REQUIRE(side.send(std::string("HTTP/1.1 ") + status + "\r\n\r\nuntil the end"));
    side.close();
    CHECK(probed.reports(outcome));
  }
}

TEST_CASE("probe: a check of kind tcp needs a connection and nothing more") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  probed.check->kind = config::Health::Kind::tcp;
  rig.probes = {probed.order(app)};
  rig.publish();
  CHECK(probed.reports(ProbeOutcome::passed));
  CHECK(app.accept().read_to_end().empty());
}

TEST_CASE("probe: the same serial goes on, a new one starts anew, none ends before the adoption is told") {
  FakeApp app;
  ProxyRig rig;
  Probed probed;
  rig.probes = {probed.order(app, 1)};
  rig.publish();
  Peer first = app.accept();
  REQUIRE(!first.read_past("\r\n\r\n").empty());
  rig.publish();
  CHECK(first.quiet());
  CHECK(app.quiet());
  rig.probes = {probed.order(app, 2)};
  rig.publish();
  CHECK(first.read_to_end().empty());
  Peer second = app.accept();
  REQUIRE(!second.read_past("\r\n\r\n").empty());
  rig.probes.clear();
  rig.publish();
  CHECK_FALSE(second.quiet());
  CHECK(second.read_to_end().empty());
  CHECK(second.end() == End::finished);
}

}  // namespace
}  // namespace gracevisor::test
