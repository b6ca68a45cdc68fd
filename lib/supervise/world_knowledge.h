// What the deciders may know of the world: read from the runs, the ledgers of the workers, what apps have
// written, and the marks of the workers. Changes nothing. Thread: the supervisor's.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "decide/effects.h"
#include "spec/process_record.h"
#include "supervise/app_holdings.h"
#include "supervise/publisher.h"
#include "supervise/runs.h"

namespace gracevisor::supervise {

class WorldKnowledge final : public decide::Knowledge {
 public:
  // Fills in what AppCounts says about listeners.
  using CountTouched = std::function<void(base::AppId, decide::AppCounts&)>;

  // All of these outlive it.
  WorldKnowledge(const Runs& runs, const Holdings& apps, const Publisher& publisher, CountTouched touched)
      : runs_(runs), apps_(apps), publisher_(publisher), count_touched_(std::move(touched)) {}

  [[nodiscard]] base::TimePoint now() const override;
  [[nodiscard]] base::BootTime boot_time() const override;
  [[nodiscard]] const std::string& boot_id() const override { return boot_id_; }
  [[nodiscard]] decide::EndpointCounts counts(const Identity& who) const override;
  [[nodiscard]] decide::AppCounts counts(base::AppId app) const override;
  [[nodiscard]] decide::Whereabouts place(const Identity& who) const override;
  [[nodiscard]] std::vector<std::string> last_output(const Identity& who, std::size_t lines) const override;
  [[nodiscard]] std::vector<std::size_t> late_workers() const override;

 private:
  const Runs& runs_;
  const Holdings& apps_;
  const Publisher& publisher_;
  CountTouched count_touched_;
  std::string boot_id_ = spec::boot_id();
};

}  // namespace gracevisor::supervise
