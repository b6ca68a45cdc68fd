#include "decide/descriptor_budget.h"

#include <fmt/format.h>

#include <algorithm>

namespace gracevisor::decide {
namespace {

constexpr std::uint64_t kOwn = 64;
constexpr std::uint64_t kPerProcess = 8;  // two pipes, its pidfd, log files, a probe, and what a start takes
constexpr std::uint64_t kControl = 16;
constexpr std::uint64_t kMostControl = 72;  // 64 connections, and what it holds in reserve
constexpr std::uint64_t kControlSpare = 8;  // of either: the listening socket and the reserve
constexpr std::uint64_t kLeastClients = 128;
constexpr std::uint64_t kPerClient = 2;  // its own, and one to an instance

// For when the workers' loops, doorbells and sockets are more than kOwn has room for.
constexpr std::uint64_t kOwnAnyway = 32;
constexpr std::uint64_t kLeastTurnedAway = 2;  // of one worker
constexpr std::uint64_t kPerWorker = 6 + kLeastTurnedAway;
constexpr std::uint64_t kPerWorkerAndAddress = 2;  // the supervisor's socket and the worker's duplicate

// Of what is left beyond the need, 16 clients take 32, their pipe two, and four clients that are turned away
// four, up to the maximum of these.
constexpr std::uint64_t kClientsPerShare = 16;
constexpr std::uint64_t kBeside = 2 + 4;
constexpr std::uint64_t kPerShare = kClientsPerShare * kPerClient + kBeside;
constexpr std::uint64_t kMostPipes = 64;       // of one worker
constexpr std::uint64_t kMostTurnedAway = 64;  // of one worker
constexpr std::uint64_t kMostBeside = 2 * kMostPipes + kMostTurnedAway;
// More than any machine has; keeps sums from overflowing.
constexpr std::uint64_t kMostClients = std::uint64_t{1} << 32;

}  // namespace

DescriptorBudget::DescriptorBudget(std::uint64_t limit, const Demand& demand) noexcept
    : limit_(limit), demand_(demand) {
  demand_.workers = std::max<std::size_t>(1, demand.workers);
  demand_.processes = std::max(demand.processes, 2 * demand.instances);
}

std::uint64_t DescriptorBudget::own() const noexcept {
  std::uint64_t workers = demand_.workers * (kPerWorker + kPerWorkerAndAddress * demand_.addresses);
  return std::max(kOwn, kOwnAnyway + workers);
}

std::uint64_t DescriptorBudget::need() const noexcept {
  return own() + kPerProcess * demand_.processes + kControl + kPerClient * kLeastClients;
}

std::size_t DescriptorBudget::clients() const noexcept {
  if (!enough()) {
    std::uint64_t taken = own() + kPerProcess * demand_.instances + kControl;
    // Not every process uses all that is counted for it.
    std::uint64_t left = std::max(limit_ > taken ? limit_ - taken : 0, limit_ / 8);
    return std::max(left / kPerClient, std::uint64_t{demand_.workers});
  }
  std::uint64_t left = beyond_need() - std::min(beyond_need(), kMostControl - kControl);
  const std::uint64_t shares = left / kPerShare;
  if (kBeside * shares <= kMostBeside * demand_.workers) {
    return std::min(kLeastClients + shares * kClientsPerShare, kMostClients);
  }
  return std::min(kLeastClients + (left - kMostBeside * demand_.workers) / kPerClient, kMostClients);
}

routing::Room DescriptorBudget::room() const noexcept {
  std::uint64_t all = clients();
  // What the need does not cover comes out of the shares.
  std::uint64_t shares = all > kLeastClients ? (all - kLeastClients) / kClientsPerShare / demand_.workers : 0;
  return {.clients = std::max<std::size_t>(1, all / demand_.workers),
          .turned_away = std::clamp(4 * shares, kLeastTurnedAway, kMostTurnedAway),
          .pipes = std::min(kMostPipes, shares)};
}

std::size_t DescriptorBudget::control() const noexcept {
  std::uint64_t extra = enough() ? std::min(beyond_need(), kMostControl - kControl) : 0;
  return kControl + extra - kControlSpare;
}

std::string DescriptorBudget::shortfall() const {
  return fmt::format("the limit of open files (RLIMIT_NOFILE) is {}, and {} are needed for {} instance{}",
                     limit_, need(), demand_.instances, demand_.instances == 1 ? "" : "s");
}

}  // namespace gracevisor::decide
