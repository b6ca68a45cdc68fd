// Real workers with hand-made route tables, for tests: one listener, any number of apps, one worker unless
// told otherwise. Thread: the test's; the workers have their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/accept_group.h"
#include "proxy/worker.h"
#include "support/proxy_peer.h"

namespace gracevisor::test {

// An instance whose bytes the test writes itself.
class FakeApp {
 public:
  explicit FakeApp(base::GenerationId generation = base::GenerationId(1),
                   const base::Address& address = base::Address::tcp_loopback(base::Port(0)),
                   base::Slot slot = base::Slot(1), std::size_t workers = 1);
  [[nodiscard]] Peer accept() { return acceptor_.accept(); }
  [[nodiscard]] bool quiet() const { return acceptor_.quiet(); }
  // Stops listening: connections are refused.
  void close() { acceptor_.close(); }
  [[nodiscard]] const routing::EndpointRef& endpoint() const { return endpoint_; }
  [[nodiscard]] const routing::LedgerCell& cell(std::uint32_t worker = 0) const {
    return endpoint_->ledger.cell(base::WorkerIndex(worker));
  }

 private:
  Acceptor acceptor_;
  routing::EndpointRef endpoint_;
};

class ProxyRig {
 public:
  struct Crew {
    std::size_t workers = 1;
    // Further places in the workers' accept group, after the workers' own: for the test to take.
    std::size_t outsiders = 0;
    // Who accepts: whichever worker the kernel deals a connection to, or always the first worker (TCP).
    enum class Dealing : std::uint8_t { by_kernel, to_first } dealing = Dealing::by_kernel;
    base::Address address = base::Address::tcp_loopback(base::Port(0));
    // Another daemon's workers, as many: these listen on the same sockets.
    const ProxyRig* before = nullptr;
  };

  // Starts workers whose first table routes everything to one app, "web", with these targets. The app is
  // live, or stopped if there are no targets.
  explicit ProxyRig(std::vector<routing::EndpointRef> targets = {}) : ProxyRig(std::move(targets), Crew()) {}
  ProxyRig(std::vector<routing::EndpointRef> targets, Crew crew);
  ~ProxyRig();
  ProxyRig(const ProxyRig&) = delete;
  ProxyRig& operator=(const ProxyRig&) = delete;

  // What the next table will say; publish() sends it and waits until the workers have adopted it.
  config::ProxyOptions options;
  routing::AppRoutes web;
  std::vector<routing::AppRoutes> more;  // with options of their own, or else those of "web"
  std::vector<routing::ProbeOrder> probes;
  bool closing = false;
  routing::Room room;
  bool listed = true;                             // the listener is in the table
  bool leaving = false;                           // the listener is leaving
  std::vector<routing::HostIndex::Entry> former;  // the listener's previous routes
  base::Epoch former_until;                       // as in ListenerRoutes
  config::Listener listener;
  std::optional<base::AppId> tcp;
  std::vector<routing::HostIndex::Entry> routes;
  routing::AccessSinkRef access;  // the listener's
  std::shared_ptr<const succession::ClientChannel> successor;
  std::shared_ptr<const succession::ClientChannel> predecessor;
  void publish();
  // The same without waiting; returns the table's epoch.
  base::Epoch put();

  [[nodiscard]] Peer connect(int receive_buffer = 0) const {
    return Peer::connect(sockets_->address, receive_buffer);
  }
  [[nodiscard]] const base::Address& address() const { return sockets_->address; }
  [[nodiscard]] const routing::AppCell& counts() const { return web.ledger->cells[0]; }
  [[nodiscard]] routing::WorkerPort& port(std::size_t worker = 0) { return *ports_[worker]; }
  [[nodiscard]] const std::shared_ptr<const routing::ListenerSockets>& sockets() const { return sockets_; }
  [[nodiscard]] proxy::AcceptGroup& accept_group() { return *accept_group_; }
  // Per worker.
  [[nodiscard]] std::vector<std::uint64_t> connections() const;
  [[nodiscard]] base::Epoch epoch() const { return epoch_; }
  [[nodiscard]] std::uint64_t rings() const { return rings_.read(); }
  // Joins the workers. Returns a loop's closing result that is not 0, if there is one, otherwise 0.
  [[nodiscard]] int finish();

 private:
  std::vector<std::unique_ptr<routing::WorkerPort>> ports_;  // the outsiders' too
  handoff::Gauge rings_;
  std::shared_ptr<const routing::ListenerSockets> sockets_;
  std::vector<routing::RouteTableRef>
      published_;  // as in the supervisor: the last reference is not a worker's
  base::Epoch epoch_;
  std::unique_ptr<proxy::AcceptGroup> accept_group_;
  std::vector<std::unique_ptr<proxy::Worker>> workers_;
};

// A request without a body, and an answer with one.
[[nodiscard]] std::string get(const std::string& path, const std::string& fields = "");
[[nodiscard]] std::string ok(const std::string& body, const std::string& fields = "");

}  // namespace gracevisor::test
