// What it costs to get an instance for a request and to let go of it: host and path matched, a target chosen,
// the lease taken and ended, through the switchboard of a worker, as an exchange does it.
//
//   lease [--smoke]
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "loop/deadlines.h"
#include "micro/measure.h"
#include "micro/messages.h"
#include "proxy/switchboard.h"

namespace {

using namespace gracevisor;

std::string host_of(std::size_t app) {
  return fmt::format("shop-{}.customers.example.com", app);
}

// So many apps with a host and so many instances each, on one listener.
routing::RouteTableRef table_of(std::size_t apps, unsigned instances, config::ProxyOptions::Balance balance) {
  auto table = std::make_shared<routing::RouteTable>();
  config::ProxyOptions options;
  options.balance = balance;
  auto shared_options = std::make_shared<const config::ProxyOptions>(options);
  std::vector<routing::HostIndex::Entry> routes;
  for (std::size_t i = 0; i < apps; ++i) {
    routing::AppRoutes app;
    app.id = base::AppId(static_cast<unsigned>(i + 1));
    app.mode = routing::AppMode::live;
    app.options = shared_options;
    app.ledger = std::make_shared<routing::AppLedger>(1);
    for (unsigned slot = 1; slot <= instances; ++slot) {
      routing::Identity who{app.id, base::GenerationId(1), base::Slot(slot), base::Incarnation(1)};
      app.targets.push_back(std::make_shared<routing::Endpoint>(
          who, base::Address::tcp_loopback(base::Port(9)), 1));  // nobody dials
    }
    routes.push_back({host_of(i), "/", app.id});
    table->apps.push_back(std::move(app));
  }
  table->epoch = base::Epoch(1);
  table->listeners.push_back(
      {std::make_shared<routing::ListenerSockets>(base::Address(), std::vector<base::UniqueFd>(), 0),
       std::make_shared<routing::HostIndex>(routes, std::nullopt), std::make_shared<config::Listener>()});
  return table;
}

void measure(bench::Bench& bench, loop::Loop& loop, std::size_t apps, unsigned instances,
             config::ProxyOptions::Balance balance, std::string_view how) {
  routing::RouteTableRef table = table_of(apps, instances, balance);  // the supervisor's reference
  routing::WorkerPort port;
  proxy::Bell bell([] {});
  loop::Deadlines deadlines(loop);
  proxy::Upstreams upstreams(loop, deadlines, SIZE_MAX);
  proxy::TableHolder tables(port, bell);
  proxy::Switchboard switchboard(loop, upstreams, base::WorkerIndex(0), tables, bell);
  switchboard.adopt(table);
  http::HeadReader reader;
  http::RequestHead head;
  bool read = reader.read_request(bench::kBrowserRequest, {}, head).state == http::HeadState::complete;
  std::vector<std::string> hosts;
  for (std::size_t i = 0; i < 4096; ++i) hosts.push_back(host_of(i * 7919 % apps));
  std::string name = fmt::format("{} app{}, {} instance{}, {}", apps, apps == 1 ? "" : "s", instances,
                                 instances == 1 ? "" : "s", how);
  bench.measure(name, [&](std::size_t i) {
    auto routed = switchboard.route(
        &table->listeners.front(),
        {.host = hosts[i % hosts.size()], .path = head.path, .client = "192.0.2.17", .head = &head});
    bench::keep(routed);
    bool leased = routed.answer == proxy::Switchboard::Answer::live;
    routed.lease.end();
    return read && leased;
  });
  std::uint64_t left = 0;
  for (const auto& app : table->apps) {
    for (const auto& target : app.targets) left += target->ledger.sum(&routing::LedgerCell::leases);
  }
  bench.check("no lease is left", left == 0);
}

}  // namespace

int main(int argc, char** argv) {
  using Balance = config::ProxyOptions::Balance;
  bench::Bench bench("match, choose, lease, end", argc, argv);
  auto loop = loop::Loop::create();
  if (!loop) return 1;
  measure(bench, **loop, 1, 1, Balance::p2c, "p2c");
  measure(bench, **loop, 1, 8, Balance::p2c, "p2c");
  measure(bench, **loop, 1, 8, Balance::least_requests, "least_requests");
  measure(bench, **loop, 1, 8, Balance::hash_client, "hash_client");
  measure(bench, **loop, 1000, 2, Balance::p2c, "p2c");
  bool closed = (*loop)->close() == 0;
  bench.check("the loop closes", closed);
  return bench.exit_code();
}
