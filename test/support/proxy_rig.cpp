#include "support/proxy_rig.h"

#include <doctest/doctest.h>

#include "loop/listening_socket.h"

namespace gracevisor::test {

FakeApp::FakeApp(base::GenerationId generation, const base::Address& address, base::Slot slot)
    : acceptor_(address),
      endpoint_(std::make_shared<routing::Endpoint>(
          routing::Identity{base::AppId(1), generation, slot, base::Incarnation(1)}, acceptor_.address(),
          1)) {}

ProxyRig::ProxyRig(std::vector<routing::EndpointRef> targets) {
  auto opened = loop::open_listening_sockets(base::Address::tcp_loopback(base::Port(0)), 1);
  REQUIRE(opened);
  sockets_ = std::make_shared<routing::ListenerSockets>(
      routing::ListenerSockets{"public", opened->address, std::move(opened->sockets)});
  web.id = base::AppId(1);
  web.name = "web";
  web.mode = targets.empty() ? routing::AppMode::stopped : routing::AppMode::live;
  web.hold = std::chrono::seconds(10);
  web.targets = std::move(targets);
  web.ledger = std::make_shared<routing::AppLedger>(1);
  routes.push_back({"", "/", web.id});
  auto worker = proxy::Worker::start({base::WorkerIndex(0), 1}, port_, [this] { rings_.add(); });
  REQUIRE(worker);
  worker_ = std::move(*worker);
  publish();
}

ProxyRig::~ProxyRig() {
  if (worker_) CHECK(finish() == 0);
}

base::Epoch ProxyRig::put() {
  epoch_ = epoch_.next();
  auto table = std::make_shared<routing::RouteTable>();
  table->epoch = epoch_;
  table->listeners.push_back({sockets_, std::make_shared<routing::HostIndex>(routes, std::nullopt),
                              std::make_shared<config::Listener>(listener), tcp, access});
  web.options = std::make_shared<config::ProxyOptions>(options);
  table->apps.push_back(web);
  for (routing::AppRoutes& app : more) {
    if (!app.options) app.options = web.options;
    table->apps.push_back(app);
  }
  table->probes = probes;
  table->closing = closing;
  published_.push_back(table);
  port_.mailbox.put(std::make_unique<routing::TableLetter>(routing::TableLetter{table}));
  worker_->wake();
  return epoch_;
}

void ProxyRig::publish() {
  base::Epoch epoch = put();
  REQUIRE(eventually([&] { return port_.adopted.read() == epoch; }));
}

int ProxyRig::finish() {
  worker_->finish();
  int closed = worker_->join();
  worker_.reset();
  for (const auto& table : published_) {
    for (const auto& app : table->apps) {
      for (const auto& target : app.targets) CHECK(target->ledger.sum(&routing::LedgerCell::leases) == 0);
      for (const auto& leaving : app.leaving) {
        CHECK(leaving.endpoint->ledger.sum(&routing::LedgerCell::leases) == 0);
      }
    }
  }
  return closed;
}

std::string get(const std::string& path, const std::string& fields) {
  return "GET " + path + " HTTP/1.1\r\nHost: example.com\r\n" + fields + "\r\n";
}

std::string ok(const std::string& body, const std::string& fields) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" +
         body;
}

}  // namespace gracevisor::test
