// An exchange needs no connection of HTTP/1.1 under it: here the test is the client's side, as a protocol
// with many streams on a connection would be.
#include "proxy/client_stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/exchange.h"
#include "proxy/kit.h"
#include "proxy/tunnel.h"
#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {
namespace {

using proxy::HeadSent;
using proxy::Over;
using proxy::Sent;

// Records what its user sends, in the order of the calls.
class RecordingStream final : public proxy::ClientStream {
 public:
  explicit RecordingStream(CoreRig& rig) : kit_(rig.kit()), exchange_(rig.kit()) {}

  // A request without a body.
  void ask(const std::string& target) {
    const std::string text = get(target);
    REQUIRE(kit_.heads.read_request(text, {}, kit_.request_head).state == http::HeadState::complete);
    CHECK(exchange_.begin(*this, kit_.request_head, {}) == 0);
  }

  std::string log;
  bool full = false;  // as if nothing of what was sent had been taken
  proxy::Exchange& exchange() { return exchange_; }

 private:
  void on_deadline() override { exchange_.deadline_passed(); }
  [[nodiscard]] Facts facts() const noexcept override {
    return {.address = "192.0.2.1", .since = kit_.tables.current()->epoch, .trusted = false};
  }
  [[nodiscard]] const routing::ListenerRoutes* listener() const noexcept override {
    return kit_.tables.current()->listeners.data();
  }
  [[nodiscard]] std::size_t queued() const noexcept override { return full ? kHighWater + 1 : 0; }
  [[nodiscard]] std::uint64_t taken() const noexcept override { return full ? 0 : sent_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept override { return taken(); }
  [[nodiscard]] HeadSent interim(const http::ResponseHead& head) override { return head_of("interim", head); }
  [[nodiscard]] HeadSent ask_for_body() override { return {}; }
  [[nodiscard]] HeadSent head(const http::ResponseHead& head, const http::FieldEdits& /*edits*/,
                              bool request_read, const proxy::Content& first) override {
    CHECK(request_read);
    const HeadSent sent = head_of("head", head);
    (void)content(first);
    return sent;
  }
  [[nodiscard]] Sent content(const proxy::Content& content) override {
    for (std::string_view piece : content.pieces.slices()) log.append(" ").append(piece);
    sent_ += content.pieces.bytes();
    if (content.last)
      log.append(" last").append(content.trailers.empty() ? "" : ":").append(content.trailers);
    return full ? Sent::queued : Sent::done;
  }
  [[nodiscard]] HeadSent answer(http::OwnAnswer answer, bool request_read) override {
    CHECK(request_read);
    log += " own:" + std::to_string(answer.status);
    return {};
  }
  void last() noexcept override {}
  [[nodiscard]] Sent raw(std::string_view /*bytes*/) override { return Sent::broken; }
  void finish() override {}
  [[nodiscard]] loop::Stream* source() noexcept override { return nullptr; }
  [[nodiscard]] bool takes_pipe() const noexcept override { return false; }
  [[nodiscard]] Sent push(loop::Pipe& /*pipe*/) override {
    FAIL("it has nothing to splice into");
    return Sent::broken;
  }
  void reading_changed() override {}
  [[nodiscard]] bool go_deaf() override { return false; }
  void become_tunnel(proxy::TunnelParts /*parts*/, std::string_view /*from_client*/,
                     std::string_view /*from_app*/) override {
    FAIL("no tunnel was asked for");
  }
  void over(Over how, bool request_read) override {
    CHECK(request_read == (how == Over::complete));
    log += how == Over::complete ? " complete" : how == Over::cut ? " cut" : " gone";
    deadline().cancel();
  }
  HeadSent head_of(const char* what, const http::ResponseHead& head) {
    log.append(" ").append(what).append(":").append(std::to_string(head.status));
    return {.sent = Sent::done, .bytes = 0};
  }

  proxy::Kit& kit_;
  proxy::Exchange exchange_;
  std::uint64_t sent_ = 0;
};

constexpr std::string_view kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("client stream: content arrives bare, however the app framed it, and its end is told") {
  struct Case {
    const char* what;
    std::string sent;  // by the app, which then closes
    std::string log;
  };
  for (const Case& c : {
           Case{"a length", ok("done"), " head:200 done last complete"},
           Case{"chunks", std::string(kChunkedHead) + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
                " head:200 ab c last complete"},
           Case{"the end of the connection", "HTTP/1.1 200 OK\r\n\r\nall", " head:200 all last complete"},
           Case{"nothing", "HTTP/1.1 204 No Content\r\n\r\n", " head:204 last complete"},
           Case{"an interim response", "HTTP/1.1 103 Early Hints\r\n\r\n" + ok("x"),
                " interim:103 head:200 x last complete"},
           Case{"too little", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", " head:200 ab cut"},
           Case{"no HTTP", "nonsense\r\n\r\n", " own:502 complete"},
       }) {
    CAPTURE(c.what);
    CoreRig rig;
    RecordingStream stream(rig);
    stream.ask("/");
    rig.settle();
    REQUIRE(rig.app_connections() == 1);
    CHECK(rig.app(0)->received().find("X-Forwarded-For: 192.0.2.1") != std::string::npos);
    rig.app(0)->send(c.sent);
    rig.app(0)->finish_writing();
    rig.settle();
    CHECK(stream.log == c.log);
    CHECK(rig.leases() == 0);
  }
}

TEST_CASE("client stream: exchanges of one client run side by side, each with its own lease") {
  CoreRig rig;
  std::vector<std::unique_ptr<RecordingStream>> streams;
  for (int i = 0; i < 3; ++i) {
    streams.push_back(std::make_unique<RecordingStream>(rig));
    streams.back()->ask("/" + std::to_string(i));
    rig.settle();
  }
  REQUIRE(rig.app_connections() == 3);
  CHECK(rig.leases() == 3);
  // They end in another order than they began.
  for (std::size_t i : {2U, 0U, 1U}) {
    CHECK(rig.app(i)->received().starts_with("GET /" + std::to_string(i)));
    rig.app(i)->send(ok(std::to_string(i)));
    rig.settle();
    CHECK(streams[i]->log == " head:200 " + std::to_string(i) + " last complete");
  }
  CHECK(rig.leases() == 0);
}

TEST_CASE("client stream: what it does not take is not read from the app, and large content is not spliced") {
  CoreRig rig;
  RecordingStream stream(rig);
  stream.full = true;
  stream.ask("/");
  rig.settle();
  REQUIRE(rig.app_connections() == 1);
  constexpr std::size_t kSize = std::size_t{8} << 20;
  rig.app(0)->send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  rig.app(0)->send(std::string(kSize, 'x'));
  rig.settle();
  const auto arrived = [&stream] { return std::ranges::count(stream.log, 'x'); };
  CHECK(arrived() < static_cast<std::ptrdiff_t>(kSize));
  stream.full = false;
  stream.exchange().client_drained();
  rig.settle();
  CHECK(arrived() == static_cast<std::ptrdiff_t>(kSize));
  CHECK(stream.log.ends_with(" last complete"));
  CHECK(rig.leases() == 0);
}

TEST_CASE("client stream: a client that leaves ends its exchange alone") {
  CoreRig rig;
  RecordingStream stays(rig);
  RecordingStream leaves(rig);
  stays.ask("/stays");
  leaves.ask("/leaves");
  rig.settle();
  REQUIRE(rig.app_connections() == 2);
  leaves.exchange().client_gone();
  rig.settle();
  CHECK(leaves.log == " gone");
  CHECK(rig.leases() == 1);
  rig.app(0)->send(ok("x"));
  rig.settle();
  CHECK(stays.log == " head:200 x last complete");
}

}  // namespace gracevisor::test
