// The data path on a loop of the test's own thread: a proxy::Core with hand-made route tables, clients and
// scripted instances around it. The test drives it step by step: the test writes bytes to an end, lets
// everything settle, and looks at what came out at the other ends. No thread, no sleep, no blocking call;
// time passes only when the test says so.
//
//   CoreRig rig;
//   RawEnd& client = rig.connect();
//   client.send(get("/"));
//   rig.settle();
//   rig.app(0)->received()  // the request, as the instance got it
//
// Errors in the set-up are thrown as exceptions. Thread: the test's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loop/loop.h"
#include "proxy/core.h"
#include "support/raw_end.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

class CoreRig {
 public:
  // A TCP client can tell a reset from an end; Unix sockets are faster, and instances usually listen
  // on them.
  enum class Family : std::uint8_t { tcp, local };
  struct Layout {
    Family clients = Family::tcp;
    Family apps = Family::local;
    std::size_t instances = 1;
    std::size_t places = SIZE_MAX;  // for clients
  };

  CoreRig() : CoreRig(Layout{}) {}
  // Adopts a first table that routes everything to one app, "web", with these instances as its targets. The
  // app is live, or stopped if there are no instances.
  explicit CoreRig(Layout layout) : CoreRig(layout, nullptr) {}
  // Another daemon's, on the same listening sockets, with instances of its own.
  CoreRig(Layout layout, const CoreRig& before) : CoreRig(layout, &before) {}
  CoreRig(const CoreRig&) = delete;
  CoreRig& operator=(const CoreRig&) = delete;
  ~CoreRig();

  // What the next table will say; it has been adopted when publish() returns.
  config::ProxyOptions options;
  routing::AppRoutes web;
  bool closing = false;
  routing::Room room;
  config::Listener listener;
  std::optional<base::AppId> tcp;
  std::vector<routing::HostIndex::Entry> routes;
  std::vector<routing::ProbeOrder> probes;
  bool leaving = false;  // the listener is
  std::shared_ptr<const succession::ClientChannel> successor;
  std::shared_ptr<const succession::ClientChannel> predecessor;
  void publish();

  // A new client; valid as long as the rig.
  RawEnd& connect();
  // The connections that instances accepted, in that order; null when there are fewer.
  [[nodiscard]] RawEnd* app(std::size_t index);
  [[nodiscard]] std::size_t app_connections() const { return apps_.size(); }

  // Breaks off every connection, including those dialled again because of that, until none is left.
  // Invalidates references to ends.
  void hang_up();

  // One more instance; it becomes a target when the test lists it.
  const routing::EndpointRef& add_instance();
  [[nodiscard]] const routing::EndpointRef& endpoint(std::size_t instance) const;
  // Closes the instance's listening socket: further connections are refused.
  void refuse(std::size_t instance);

  // Turns the loop and pumps every end until nothing can happen before time passes or the test acts.
  void settle();
  // Accepts the instances' new connections and runs one turn of the loop; the test has to pump the ends.
  void turn();
  // Lets `by` pass at once, and settles. Needs support/shifted_clock.cpp.
  void pass(base::Duration by);

  // For a test that is itself the client's side of an exchange.
  [[nodiscard]] proxy::Kit& kit() { return core_->kit(); }
  [[nodiscard]] const routing::LedgerCell& cell(std::size_t instance = 0) const;
  [[nodiscard]] const routing::AppCell& counts() const { return web.ledger->cells[0]; }
  [[nodiscard]] std::uint64_t unsent() const { return port_.unsent.read(); }
  [[nodiscard]] const routing::Shortages& shortages() const { return port_.shortages; }
  [[nodiscard]] const routing::WorkerPort& port() const { return port_; }
  [[nodiscard]] const routing::ListenerSockets& sockets() const { return *listener_; }
  // The sum over all instances.
  [[nodiscard]] std::uint64_t leases() const;

  // Ends the data path and closes the loop: "", or what went wrong. Afterwards only the ends remain.
  [[nodiscard]] std::string finish();

 private:
  CoreRig(Layout layout, const CoreRig* before);
  struct Instance {
    base::UniqueFd socket;
    routing::EndpointRef endpoint;
  };
  [[nodiscard]] base::Address new_address(Family family);
  bool accept_apps();
  bool in_flight();

  const Layout layout_;
  std::optional<TempFolder> folder_;  // for Unix sockets
  std::size_t addresses_ = 0;
  std::unique_ptr<loop::Loop> loop_;
  routing::WorkerPort port_;
  std::shared_ptr<const routing::ListenerSockets> listener_;
  std::vector<Instance> instances_;
  std::vector<routing::RouteTableRef> published_;  // the supervisor holds the last reference
  base::Epoch epoch_;
  std::unique_ptr<proxy::Core> core_;
  std::vector<std::unique_ptr<RawEnd>> clients_;
  std::vector<std::unique_ptr<RawEnd>> apps_;
  std::optional<RawEnd> canary_in_, canary_out_;  // see in_flight()
};

}  // namespace gracevisor::test
