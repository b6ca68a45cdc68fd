// A daemon that does not upgrade. Thread: the supervisor's.
#pragma once

#include "upgrader.h"

namespace gracevisor::daemon {

class NoUpgrader final : public Upgrader {
 public:
  std::expected<void, decide::Refused> upgrade(const UpgradeRequest& /*request*/,
                                               const std::shared_ptr<decide::Report>& /*report*/) override {
    return std::unexpected(decide::Refused{control::ExitCode::failed, "this daemon does not upgrade"});
  }
  [[nodiscard]] std::optional<control::PredecessorStatus> predecessor() const override {
    return std::nullopt;
  }
  [[nodiscard]] pid_t took_over_from() const override { return 0; }
  [[nodiscard]] bool frozen() const override { return false; }
};

}  // namespace gracevisor::daemon
