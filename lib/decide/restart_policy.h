// Decides what follows the end of an instance: a restart after a growing, jittered delay, staying down, or
// giving up.
//
//   delay = min(backoff_max, min(backoff_max, backoff * 2^k) * uniform(0.5, 1.5))
//   k       the number of unstable exits in a row before this one; an exit is unstable unless the instance
//           had been healthy for stable_after, which clears the count
//   fatal   at the max_failures-th unstable exit in a row, and at each one that follows it (0: never)
//
// If a process could not be started because the daemon itself lacked an address, descriptors, memory or
// processes, that is no exit: it is tried again under any policy, with a delay that grows in the same way.
//
// One policy per slot. Pure: it has no clock and no timer. Thread: the supervisor's.
#pragma once

#include <optional>
#include <random>
#include <utility>

#include "base/clock.h"
#include "config/config.h"
#include "spawn/exit_status.h"

namespace gracevisor::decide {

class RestartPolicy {
 public:
  struct Verdict {
    enum class Kind {
      restart,    // after `delay`
      stay_down,  // by policy: `never`, a success under `on_failure`, an exit by itself under `on_abnormal`
      fatal,      // max_failures reached: an operator has to look; tried again after `delay`, unless it is 0
    };
    Kind kind = Kind::restart;
    base::Duration delay{};
  };

  // `seed` spreads the delays when many instances die together.
  RestartPolicy(config::Restart restart, unsigned seed) : restart_(std::move(restart)), random_(seed) {}

  // The next exit is judged by these.
  void adjust(const config::Restart& restart) { restart_ = restart; }

  // `healthy_for`: how long it had been healthy; unset when it never was.
  [[nodiscard]] Verdict on_exit(const spawn::ExitStatus& status, std::optional<base::Duration> healthy_for);

  [[nodiscard]] unsigned failures_in_a_row() const noexcept { return failures_; }
  // From the fifth failure in a row on.
  [[nodiscard]] bool crash_looping() const noexcept { return failures_ >= 5; }
  // An operator started it again: past failures no longer count.
  void forget() noexcept { failures_ = 0; }
  // It goes on from what another daemon counted.
  void resume(unsigned failures) noexcept { failures_ = failures; }

 private:
  [[nodiscard]] base::Duration delay_after(unsigned earlier_failures);

  config::Restart restart_;
  std::minstd_rand random_;
  unsigned failures_ = 0;
  unsigned unbegun_ = 0;  // failed starts in a row for which spawn::own_shortage() is true
};

}  // namespace gracevisor::decide
