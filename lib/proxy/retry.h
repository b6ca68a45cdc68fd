// What to do when an attempt on an instance fails: one pure function, and the budget that keeps retries from
// turning a brown-out into an outage. Thread: values, the worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace gracevisor::proxy {

// How an attempt failed while the client had not seen any of the response.
enum class Failure : std::uint8_t {
  connect,      // refused, busy, or no connection within connect_timeout: nothing was sent
  unsent,       // the connection's first write failed entirely: nothing was sent
  no_response,  // the connection ended after bytes were sent and before any came back
};

struct FailedAttempt {
  Failure failure = Failure::connect;
  bool reused = false;              // the connection came from the pool
  bool idempotent = false;          // the method, or an Idempotency-Key (RFC 9110 section 9.2.2)
  bool unread = false;              // the kernel proves that the app did not read the whole request
  bool replayable = true;           // everything sent is still held
  bool within_budget = true;        // RetryBudget
  std::size_t connects_failed = 1;  // in a row, this one included
  std::size_t targets = 1;          // how many the app has now
  unsigned replays = 0;             // of this request so far
};

enum class Verdict : std::uint8_t {
  fresh,      // lease again, on a new connection: the instance is not to blame
  elsewhere,  // lease again, on another instance if there is one
  pause,      // lease again after a moment: the only instance may be about to be found dead
  prove,      // over the budget: lease again only if the instance is found dead within that moment
  wait,       // no instance takes connections: wait for one, as long as the app's `hold` allows
  give_up,    // 502
};

[[nodiscard]] Verdict decide(const FailedAttempt& attempt) noexcept;

// Does sending the request again use up its one replay, which the budget also counts? Not if nothing was
// sent, and not if a pooled connection ended: each such connection was pooled after a whole response, so
// there are never more of them than successful requests, and the next connection is a fresh one.
[[nodiscard]] constexpr bool is_replay(const FailedAttempt& attempt) noexcept {
  return attempt.failure == Failure::no_response && !attempt.reused;
}

// Replays may amount to a fifth of the requests of the last 10 to 20 s; three are always allowed.
class RetryBudget {
 public:
  void note_request(base::TimePoint now) noexcept {
    roll(now);
    ++requests_;
  }
  [[nodiscard]] bool allows(base::TimePoint now) noexcept;
  void note_retry() noexcept { ++retries_; }

 private:
  void roll(base::TimePoint now) noexcept;

  base::TimePoint began_{};
  std::uint64_t requests_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t earlier_requests_ = 0;
  std::uint64_t earlier_retries_ = 0;
};

}  // namespace gracevisor::proxy
