// What it costs to find the app of a request: nanoseconds per HostIndex::find, for 1 to 10,000 hosts, exact
// and by wildcard, with three path rules each. The hosts are asked for in random order.
//
//   route_lookup [--smoke]     the fastest, median and slowest of 15 rounds; --smoke runs a short one
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "routing/route_table.h"

namespace {

using gracevisor::base::AppId;
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

double nanoseconds_per_find(const HostIndex& index, const std::vector<std::string>& hosts,
                            std::size_t count) {
  std::size_t found = 0;
  auto began = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    found += index.find(hosts[i % hosts.size()], "/api/v1/orders/4711").has_value() ? 1U : 0U;
  }
  std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - began;
  if (found != count) fmt::print(stderr, "route_lookup: {} of {} found\n", found, count);
  return took.count() / static_cast<double>(count);
}

void measure(std::size_t hosts, bool wildcard, std::size_t count, std::size_t rounds) {
  HostIndex index = index_of(hosts, wildcard);
  std::vector<std::string> asked;
  std::mt19937 random(1);
  for (std::size_t i = 0; i < 4096; ++i) {
    asked.push_back(fmt::format("{}shop-{}.customers.example.com", wildcard ? "www." : "", random() % hosts));
  }
  std::vector<double> times;
  for (std::size_t i = 0; i < rounds; ++i) times.push_back(nanoseconds_per_find(index, asked, count));
  std::sort(times.begin(), times.end());
  fmt::print("{:>6} hosts {:<8}  {:6.1f} {:6.1f} {:6.1f} ns\n", hosts, wildcard ? "wildcard" : "exact",
             times.front(), times[times.size() / 2], times.back());
}

}  // namespace

int main(int argc, char** argv) {
  bool smoke = argc == 2 && std::strcmp(argv[1], "--smoke") == 0;
  for (bool wildcard : {false, true}) {
    for (std::size_t hosts : {1U, 100U, 10000U}) {
      measure(hosts, wildcard, smoke ? 10000 : 1000000, smoke ? 1 : 15);
    }
  }
  return 0;
}
