// A real worker with hand-made route tables, for tests: one listener, any number of apps.
// Thread: the test's; the worker has its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proxy/worker.h"
#include "support/proxy_peer.h"

namespace gracevisor::test {

// An instance whose bytes the test writes itself.
class FakeApp {
 public:
  explicit FakeApp(base::GenerationId generation = base::GenerationId(1),
                   const base::Address& address = base::Address::tcp_loopback(base::Port(0)),
                   base::Slot slot = base::Slot(1));
  [[nodiscard]] Peer accept() { return acceptor_.accept(); }
  [[nodiscard]] bool quiet() const { return acceptor_.quiet(); }
  // Nobody listens there any more: connections are refused.
  void close() { acceptor_.close(); }
  [[nodiscard]] const routing::EndpointRef& endpoint() const { return endpoint_; }
  [[nodiscard]] const routing::LedgerCell& cell() const {
    return endpoint_->ledger.cell(base::WorkerIndex(0));
  }

 private:
  Acceptor acceptor_;
  routing::EndpointRef endpoint_;
};

class ProxyRig {
 public:
  // Starts a worker whose first table routes everything to one app, "web", with these targets; live, or
  // stopped without targets.
  explicit ProxyRig(std::vector<routing::EndpointRef> targets = {});
  ~ProxyRig();
  ProxyRig(const ProxyRig&) = delete;
  ProxyRig& operator=(const ProxyRig&) = delete;

  // What the next table will say; publish() sends it, and waits until the worker has adopted it.
  config::ProxyOptions options;
  routing::AppRoutes web;
  std::vector<routing::AppRoutes> more;  // with the options of their own, or those of "web"
  std::vector<routing::ProbeOrder> probes;
  bool closing = false;
  config::Listener listener;
  std::optional<base::AppId> tcp;
  std::vector<routing::HostIndex::Entry> routes;
  routing::AccessSinkRef access;  // the listener's
  void publish();
  // Without waiting; the epoch that it has.
  base::Epoch put();

  [[nodiscard]] Peer connect(int receive_buffer = 0) const {
    return Peer::connect(sockets_->address, receive_buffer);
  }
  [[nodiscard]] const base::Address& address() const { return sockets_->address; }
  [[nodiscard]] const routing::AppCell& counts() const { return web.ledger->cells[0]; }
  [[nodiscard]] routing::WorkerPort& port() { return port_; }
  [[nodiscard]] std::uint64_t rings() const { return rings_.read(); }
  // Joins the worker; the loop's closing result.
  [[nodiscard]] int finish();

 private:
  routing::WorkerPort port_;
  handoff::Tally rings_;
  std::shared_ptr<const routing::ListenerSockets> sockets_;
  std::vector<routing::RouteTableRef>
      published_;  // as the supervisor: the last reference is not the worker's
  base::Epoch epoch_;
  std::unique_ptr<proxy::Worker> worker_;
};

// A request without a body, and an answer with one.
[[nodiscard]] std::string get(const std::string& path, const std::string& fields = "");
[[nodiscard]] std::string ok(const std::string& body, const std::string& fields = "");

}  // namespace gracevisor::test
