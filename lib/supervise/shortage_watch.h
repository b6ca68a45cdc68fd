// Reports what the workers could not do for lack of descriptors, memory, ports or places: in the log at most
// once a minute for each kind, in status for an hour. Thread: the supervisor's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "decide/descriptor_budget.h"
#include "routing/worker_port.h"

namespace gracevisor::supervise {

class ShortageWatch {
 public:
  // The ports outlive the watch.
  explicit ShortageWatch(std::vector<const routing::WorkerPort*> ports) : ports_(std::move(ports)) {}

  // Reads the counts; true when there is something to report.
  [[nodiscard]] bool poll(base::TimePoint now);
  void tell(base::TimePoint now, const decide::DescriptorBudget& budget, base::Log& log);
  [[nodiscard]] std::vector<std::string> remarks(base::TimePoint now,
                                                 const decide::DescriptorBudget& budget) const;

 private:
  struct Seen {
    std::uint64_t times = 0;
    base::TimePoint last{};
    base::TimePoint told{};
    std::uint64_t told_times = 0;
    int code = 0;

    [[nodiscard]] bool untold(base::TimePoint now) const;
  };
  static constexpr std::size_t kKinds = 4;

  std::vector<const routing::WorkerPort*> ports_;
  std::array<Seen, kKinds> seen_;
};

}  // namespace gracevisor::supervise
