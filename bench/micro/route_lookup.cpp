// What it costs to find the app of a request: nanoseconds per HostIndex::find, for 1 to 10,000 hosts, exact
// and by wildcard, with three path rules each. The hosts are asked for in random order.
//
//   route_lookup [--smoke]
#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "micro/measure.h"
#include "routing/route_table.h"

namespace {

using gracevisor::base::AppId;
using gracevisor::bench::Bench;
using gracevisor::routing::HostIndex;

HostIndex index_of(std::size_t hosts, bool wildcard) {
  std::vector<HostIndex::Entry> entries;
  for (std::size_t i = 0; i < hosts; ++i) {
    std::string host = fmt::format("{}shop-{}.customers.example.com", wildcard ? "*." : "", i);
    auto id = static_cast<unsigned>(i + 1);
    for (const char* path : {"/", "/api", "/static/assets"}) entries.push_back({host, path, AppId(id)});
  }
  return HostIndex(entries, std::nullopt);
}

void measure(Bench& bench, std::size_t hosts, bool wildcard) {
  HostIndex index = index_of(hosts, wildcard);
  std::vector<std::string> asked;
  std::vector<AppId> expected;
  std::mt19937 random(1);
  for (std::size_t i = 0; i < 4096; ++i) {
    std::size_t host = random() % hosts;
    asked.push_back(fmt::format("{}shop-{}.customers.example.com", wildcard ? "www." : "", host));
    expected.emplace_back(static_cast<unsigned>(host + 1));
  }
  std::string name =
      fmt::format("{} host{}, {}", hosts, hosts == 1 ? "" : "s", wildcard ? "wildcard" : "exact");
  bench.measure(name, [&](std::size_t i) {
    std::size_t at = i % asked.size();
    auto match = index.find(asked[at], "/api/v1/orders/4711");
    return match && match->app == expected[at] && match->prefix == 4;
  });
}

}  // namespace

int main(int argc, char** argv) {
  Bench bench("look up a route", argc, argv);
  for (bool wildcard : {false, true}) {
    for (std::size_t hosts : {1U, 100U, 10000U}) measure(bench, hosts, wildcard);
  }
  return bench.exit_code();
}
