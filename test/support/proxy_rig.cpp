#include "support/proxy_rig.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "loop/listening_socket.h"

namespace gracevisor::test {

FakeApp::FakeApp(base::GenerationId generation, const base::Address& address, base::Slot slot,
                 std::size_t workers)
    : acceptor_(address),
      endpoint_(std::make_shared<routing::Endpoint>(
          routing::Identity{base::AppId(1), generation, slot, base::Incarnation(1)}, acceptor_.address(),
          workers)) {}

namespace {

std::shared_ptr<const routing::ListenerSockets> shared_with(const ProxyRig& rig, std::size_t workers) {
  std::vector<base::UniqueFd> sockets;
  for (const base::UniqueFd& socket : rig.sockets()->sockets) {
    auto own = base::duplicate(socket.get());
    REQUIRE(own);
    sockets.push_back(std::move(*own));
  }
  return std::make_shared<routing::ListenerSockets>(rig.address(), std::move(sockets), workers);
}

std::shared_ptr<const routing::ListenerSockets> opened_for(const ProxyRig::Crew& crew) {
  const bool to_first = crew.dealing == ProxyRig::Crew::Dealing::to_first;
  auto opened = loop::open_listening_sockets(crew.address, to_first ? 1 : crew.workers);
  REQUIRE(opened);
  while (opened->sockets.size() < crew.workers) {
    // Nobody knows where.
    auto deaf = loop::open_listening_sockets(base::Address::tcp_loopback(base::Port(0)), 1);
    REQUIRE(deaf);
    opened->sockets.push_back(std::move(deaf->sockets.front()));
  }
  return std::make_shared<routing::ListenerSockets>(opened->address, std::move(opened->sockets),
                                                    crew.workers);
}

}  // namespace

ProxyRig::ProxyRig(std::vector<routing::EndpointRef> targets, Crew crew)
    : sockets_(crew.before != nullptr ? shared_with(*crew.before, crew.workers) : opened_for(crew)) {
  listener.name = "public";
  web.id = base::AppId(1);
  web.name = "web";
  web.mode = targets.empty() ? routing::AppMode::stopped : routing::AppMode::live;
  web.hold = std::chrono::seconds(10);
  web.targets = std::move(targets);
  web.ledger = std::make_shared<routing::AppLedger>(crew.workers);
  routes.push_back({"", "/", web.id});
  std::vector<const routing::WorkerPort*> ports;
  for (std::size_t i = 0; i < crew.workers + crew.outsiders; ++i) {
    ports.push_back(ports_.emplace_back(std::make_unique<routing::WorkerPort>()).get());
  }
  auto group = proxy::AcceptGroup::create(ports);
  REQUIRE(group);
  accept_group_ = std::move(*group);
  for (std::size_t i = 0; i < crew.workers; ++i) {
    auto worker = proxy::Worker::start(
        {base::WorkerIndex(static_cast<std::uint32_t>(i)), crew.workers, {}, accept_group_.get()}, *ports_[i],
        [this] { rings_.raise(); });
    REQUIRE(worker);
    workers_.push_back(std::move(*worker));
  }
  publish();
}

ProxyRig::~ProxyRig() {
  if (!workers_.empty()) CHECK(finish() == 0);
}

base::Epoch ProxyRig::put() {
  epoch_ = epoch_.next();
  auto table = std::make_shared<routing::RouteTable>();
  table->epoch = epoch_;
  if (listed) {
    table->listeners.push_back({sockets_, std::make_shared<routing::HostIndex>(routes, std::nullopt),
                                std::make_shared<config::Listener>(listener), tcp, access, leaving});
    if (!former.empty()) {
      table->listeners.back().former = std::make_shared<routing::HostIndex>(former, std::nullopt);
      table->listeners.back().former_until = former_until;
    }
  }
  web.options = std::make_shared<config::ProxyOptions>(options);
  table->apps.push_back(web);
  for (routing::AppRoutes& app : more) {
    if (!app.options) app.options = web.options;
    table->apps.push_back(app);
  }
  table->probes = probes;
  table->closing = closing;
  table->successor = successor;
  table->predecessor = predecessor;
  table->room = room;
  published_.push_back(table);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    ports_[i]->mailbox.put(std::make_unique<routing::TableLetter>(routing::TableLetter{table}));
  }
  for (auto& worker : workers_) worker->wake();
  return epoch_;
}

void ProxyRig::publish() {
  base::Epoch epoch = put();
  REQUIRE(eventually([&] {
    return std::all_of(ports_.begin(), ports_.begin() + static_cast<std::ptrdiff_t>(workers_.size()),
                       [&](const auto& port) { return port->adopted.read() == epoch; });
  }));
}

std::vector<std::uint64_t> ProxyRig::connections() const {
  std::vector<std::uint64_t> result;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    result.push_back(accept_group_->connections(base::WorkerIndex(static_cast<std::uint32_t>(i))));
  }
  return result;
}

int ProxyRig::finish() {
  for (auto& worker : workers_) worker->finish();
  int closed = 0;
  for (auto& worker : workers_) {
    if (int result = worker->join(); result != 0) closed = result;
  }
  workers_.clear();
  for (const auto& table : published_) {
    for (const auto& app : table->apps) {
      for (const auto& target : app.targets) CHECK(target->ledger.sum(&routing::LedgerCell::leases) == 0);
      for (const auto& last : app.leaving) {
        CHECK(last.endpoint->ledger.sum(&routing::LedgerCell::leases) == 0);
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
