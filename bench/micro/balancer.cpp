// What it costs to choose among an app's targets, by each policy: their loads are read from ledger cells, as
// the switchboard does it, and the chosen one's changes.
//
//   balancer [--smoke]
#include "proxy/balancer.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "micro/measure.h"
#include "routing/endpoint.h"

namespace {

using namespace gracevisor;
using Balance = proxy::Balancer::Balance;

constexpr std::array<std::pair<Balance, std::string_view>, 4> kPolicies{{
    {Balance::p2c, "p2c"},
    {Balance::round_robin, "round_robin"},
    {Balance::least_requests, "least_requests"},
    {Balance::hash_client, "hash (header, cookie, client)"},
}};

void measure(bench::Bench& bench, Balance how, std::string_view name, std::size_t targets) {
  proxy::Balancer balancer(4711);
  std::vector<routing::LedgerCell> cells(targets);
  std::vector<std::size_t> chosen(targets);
  auto load_of = [&](std::size_t i) { return cells[i].leases.read(); };
  bench.measure(fmt::format("{}, {} target{}", name, targets, targets == 1 ? "" : "s"), [&](std::size_t i) {
    std::size_t at = balancer.choose(how, targets, load_of, i + 1);
    bench::keep(at);
    if (at >= targets) return false;
    cells[at].leases.add();
    ++chosen[at];
    return true;
  });
  bool every = true;
  for (std::size_t times : chosen) every = every && times > 0;
  bench.check("every target's turn", every);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Bench bench("choose a target", argc, argv);
  for (auto [how, name] : kPolicies) {
    for (std::size_t targets : {1U, 2U, 8U, 64U}) measure(bench, how, name, targets);
  }
  return bench.exit_code();
}
