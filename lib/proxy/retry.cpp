#include "proxy/retry.h"

#include <algorithm>

namespace gracevisor::proxy {
namespace {
constexpr base::Duration kWindow = std::chrono::seconds(10);
constexpr std::uint64_t kShare = 5;  // one in five
constexpr std::uint64_t kAlways = 3;
}  // namespace

Verdict decide(const FailedAttempt& attempt) noexcept {
  switch (attempt.failure) {
    case Failure::connect:
      // Every target once, and the first once more: it may have been the one just replaced.
      return attempt.connects_failed <= attempt.targets ? Verdict::elsewhere : Verdict::wait;
    case Failure::unsent:
      if (attempt.replayable && attempt.reused) return Verdict::fresh;
      break;
    case Failure::no_response: break;
  }
  bool safe = attempt.idempotent || (attempt.reused && attempt.unread);
  if (!safe || !attempt.replayable) return Verdict::give_up;
  // A pooled connection may have been closed because it was idle: that says nothing about the instance.
  if (attempt.reused || attempt.failure == Failure::unsent) return Verdict::fresh;
  if (attempt.replays > 0) return Verdict::give_up;
  // An instance that died is no brown-out: as many requests as it had under way may be sent again.
  if (!attempt.within_budget) return Verdict::prove;
  return attempt.targets > 1 ? Verdict::elsewhere : Verdict::pause;
}

void RetryBudget::roll(base::TimePoint now) noexcept {
  if (now - began_ < kWindow) return;
  bool adjoining = now - began_ < 2 * kWindow;
  earlier_requests_ = adjoining ? requests_ : 0;
  earlier_retries_ = adjoining ? retries_ : 0;
  requests_ = retries_ = 0;
  began_ = now;
}

bool RetryBudget::allows(base::TimePoint now) noexcept {
  roll(now);
  return retries_ + earlier_retries_ < std::max(kAlways, (requests_ + earlier_requests_) / kShare);
}

}  // namespace gracevisor::proxy
