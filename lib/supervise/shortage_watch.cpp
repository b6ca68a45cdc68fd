#include "supervise/shortage_watch.h"

#include <fmt/format.h>

#include <string_view>

#include "base/error.h"

namespace gracevisor::supervise {
namespace {

constexpr base::Duration kTellEvery = std::chrono::minutes(1);
constexpr base::Duration kRemarkFor = std::chrono::hours(1);

struct Kind {
  handoff::Tally routing::Shortages::* count;
  std::string_view word;      // in the log
  std::string_view sentence;  // in status
};
constexpr std::array<Kind, 4> kTable = {{
    {&routing::Shortages::turned_away, "places", "connections of clients were turned away"},
    {&routing::Shortages::accept, "accept", "times a client's connection could not be accepted"},
    {&routing::Shortages::dial, "dial", "times a connection to an instance could not be begun"},
    {&routing::Shortages::probe, "probe", "health checks could not be begun"},
}};

// The limit that was reached.
std::string cause_of(int code, const decide::DescriptorBudget& budget) {
  if (code != 0) return base::errno_text(code);
  return fmt::format("all {} places are taken", budget.clients());
}

std::string limit_of(const decide::DescriptorBudget& budget) {
  return budget.limit() == decide::DescriptorBudget::kNoLimit ? "none" : std::to_string(budget.limit());
}

}  // namespace

bool ShortageWatch::Seen::untold(base::TimePoint now) const {
  return times != told_times && (told == base::TimePoint{} || now - told >= kTellEvery);
}

bool ShortageWatch::poll(base::TimePoint now) {
  bool any = false;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    Seen& seen = seen_.at(i);
    std::uint64_t times = 0;
    for (const routing::WorkerPort* port : ports_) {
      std::uint64_t own = (port->shortages.*kTable.at(i).count).read();
      times += own;
      bool coded = own != 0 && kTable.at(i).count != &routing::Shortages::turned_away;
      if (coded) seen.code = static_cast<int>(port->shortages.code.read());
    }
    if (times != seen.times) {
      seen.times = times;
      seen.last = now;
    }
    any = any || seen.untold(now);
  }
  return any;
}

void ShortageWatch::tell(base::TimePoint now, const decide::DescriptorBudget& budget, base::Log& log) {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    Seen& seen = seen_.at(i);
    if (!seen.untold(now)) continue;
    log.warning("shortage what={} times={} cause=\"{}\" open_files={}", kTable.at(i).word,
                seen.times - seen.told_times, cause_of(seen.code, budget), limit_of(budget));
    seen.told = now;
    seen.told_times = seen.times;
  }
}

std::vector<std::string> ShortageWatch::remarks(base::TimePoint now,
                                                const decide::DescriptorBudget& budget) const {
  std::vector<std::string> remarks;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    const Seen& seen = seen_.at(i);
    if (seen.times == 0 || now - seen.last > kRemarkFor) continue;
    remarks.push_back(fmt::format("{} {}, the last {} s ago: {} (limit of open files: {})", seen.times,
                                  kTable.at(i).sentence,
                                  std::chrono::duration_cast<std::chrono::seconds>(now - seen.last).count(),
                                  cause_of(seen.code, budget), limit_of(budget)));
  }
  return remarks;
}

}  // namespace gracevisor::supervise
