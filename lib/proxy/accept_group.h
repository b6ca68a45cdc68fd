// The workers that accept on the same listeners: how many connections each has, and the rings through which a
// worker passes a connection that it has accepted, or taken over from a predecessor, to one that has fewer
// (accept_balance.h says when).
//
//   accepting worker                                      receiving worker
//   elsewhere() ─ none: keeps it
//     └ pass(): counts it for the receiver, puts it into
//       the ring of the two, rings ───────────────────────> take_all(): opens it, as if accepted here
//       └ the ring is full: keeps it
//
// A connection is passed on at most once: only from a listener, never out of a ring. While it is on its way,
// nothing has been read from it and nothing has begun: it holds no lease and pins no table, so the
// supervisor's conclusions from marks and leases do not depend on the rings (architecture page, section 4).
//
// It is passed only to a worker that has adopted the same table that the accepting worker serves from. A
// receiver that does not know the listener has therefore adopted a later table without it, and treats the
// connection like those that it had itself accepted when it closed the listener. What is left in the rings
// when the group ends is closed.
//
// Threads: the supervisor creates it before the first worker starts and destroys it after the last one has
// been joined; in between, each worker uses it through its own AcceptMember.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "handoff/gauge.h"
#include "handoff/ring.h"
#include "proxy/arrival.h"
#include "routing/worker_port.h"

namespace gracevisor::proxy {

class AcceptGroup {
 public:
  struct Passed {
    Arrival arrival;
    std::shared_ptr<const routing::ListenerSockets> sockets;  // of the listener that accepted it
    std::shared_ptr<const config::Listener> config;           // of that listener
    base::Epoch epoch;                                        // of the table under which it was accepted
  };

  // One worker per port, in the order of their indexes. The ports outlive the group. Fails when no descriptor
  // is available.
  [[nodiscard]] static base::Expected<std::unique_ptr<AcceptGroup>> create(
      const std::vector<const routing::WorkerPort*>& ports);
  AcceptGroup(const AcceptGroup&) = delete;
  AcceptGroup& operator=(const AcceptGroup&) = delete;
  ~AcceptGroup() = default;

  // Readable from the moment something is passed to `worker` until the worker looks.
  [[nodiscard]] int doorbell(base::WorkerIndex worker) const {
    return seats_[worker.value()]->doorbell.get();
  }
  // The open connections of `worker` and those on their way to it; huge while the worker is absent. Any
  // thread.
  [[nodiscard]] std::uint64_t connections(base::WorkerIndex worker) const noexcept {
    return seats_[worker.value()]->connections.read();
  }

 private:
  friend class AcceptMember;
  // As many as a listener accepts in one turn, at most. A receiver that has stopped looking holds up at most
  // this many connections from each other worker.
  static constexpr std::size_t kOnTheWay = 16;
  static constexpr std::uint64_t kAbsent = std::uint64_t{1} << 62;

  struct alignas(64) Seat {
    handoff::Gauge connections{kAbsent};        // raised by the worker that passes one to it
    const routing::WorkerPort* port = nullptr;  // tells which table the worker has adopted
    base::UniqueFd doorbell;                    // an eventfd: unlike a Wakeup, it may outlive the loop
    std::vector<std::unique_ptr<handoff::Ring<Passed>>> inbox;  // by passing worker; null for itself
  };
  AcceptGroup() = default;

  std::vector<std::unique_ptr<Seat>> seats_;
};

// One worker's part in the group; without a group, the worker keeps everything. Thread: the worker's.
class AcceptMember {
 public:
  AcceptMember(AcceptGroup* group, base::WorkerIndex self) noexcept;
  AcceptMember(const AcceptMember&) = delete;
  AcceptMember& operator=(const AcceptMember&) = delete;
  // From now on nothing is passed to this worker; what was passed already is closed.
  ~AcceptMember();

  // Every connection is counted for its worker once, from before it is opened until it is closed.
  void count() noexcept {
    if (own_ != nullptr) own_->connections.raise();
  }
  void uncount() noexcept {
    if (own_ != nullptr) own_->connections.lower();
  }

  // The worker to which a connection accepted here under table `epoch` should go; none: it stays.
  [[nodiscard]] std::optional<base::WorkerIndex> elsewhere(base::Epoch epoch) noexcept;
  // Passes `item` to `to` and counts it there. False, with `item` untouched, when too many are on their way.
  [[nodiscard]] bool pass(base::WorkerIndex to, AcceptGroup::Passed&& item) noexcept;

  // Calls take(Passed) with what was passed to this worker before the call. What arrives meanwhile may be
  // left for the next call: it has rung the doorbell.
  template <class Take>
  void take_all(const Take& take) {
    if (own_ == nullptr) return;
    answer_doorbell();  // first: anything put in from now on rings again
    for (const auto& ring : own_->inbox) {
      for (std::size_t i = 0; ring && i < AcceptGroup::kOnTheWay; ++i) {
        auto item = ring->pop();
        if (!item) break;
        take(std::move(*item));
      }
    }
  }

 private:
  void answer_doorbell() noexcept;

  AcceptGroup* const group_;
  AcceptGroup::Seat* const own_;
  const std::size_t self_;
  std::size_t first_;  // the worker that elsewhere() looks at first, in turn
};

}  // namespace gracevisor::proxy
