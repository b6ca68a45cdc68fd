#include "decide/restart_policy.h"

#include <algorithm>
#include <cmath>
#include <variant>

namespace gracevisor::decide {

RestartPolicy::Verdict RestartPolicy::on_exit(const spawn::ExitStatus& status,
                                              std::optional<base::Duration> healthy_for) {
  using Kind = Verdict::Kind;
  using Policy = config::Restart::Policy;
  if (spawn::own_shortage(status)) return {Kind::restart, delay_after(unbegun_++)};
  unbegun_ = 0;
  bool stable = healthy_for && *healthy_for >= restart_.stable_after;
  if (stable) failures_ = 0;
  const bool success = clean(status, restart_.success_exit_codes);
  const bool by_itself = success || std::holds_alternative<spawn::Exited>(status);
  if (restart_.policy == Policy::never) return {Kind::stay_down, {}};
  if (restart_.policy == Policy::on_failure && success) return {Kind::stay_down, {}};
  if (restart_.policy == Policy::on_abnormal && by_itself) return {Kind::stay_down, {}};
  if (stable) return {Kind::restart, delay_after(0)};
  unsigned earlier = failures_++;
  if (restart_.max_failures > 0 && failures_ >= restart_.max_failures)
    return {Kind::fatal, restart_.retry_fatal};
  return {Kind::restart, delay_after(earlier)};
}

base::Duration RestartPolicy::delay_after(unsigned earlier_failures) {
  using Seconds = std::chrono::duration<double>;
  // In floating point, where 2^k cannot overflow before the cap cuts it.
  double grown = Seconds(restart_.backoff).count() * std::exp2(std::min(earlier_failures, 1000U));
  double most = Seconds(restart_.backoff_max).count();
  double jitter = std::uniform_real_distribution<double>(0.5, 1.5)(random_);
  return std::chrono::duration_cast<base::Duration>(Seconds(std::min(std::min(grown, most) * jitter, most)));
}

}  // namespace gracevisor::decide
