// Deadlines for thousands of connections with one loop timer: one first-in-first-out list per duration, so
// that starting, restarting and cancelling are O(1) and need no allocation and no system call.
// Deadlines fire up to 10 ms late, never early. Thread: the loop's.
#pragma once

#include <cstdint>
#include <deque>

#include "loop/loop.h"
#include "loop/timer.h"

namespace gracevisor::loop {

class Deadlines;

class DeadlineObserver {
 public:
  virtual void on_deadline() = 0;

 protected:
  ~DeadlineObserver() = default;
};

// One deadline, a member of the object that waits. Destroying it cancels it.
class Deadline {
 public:
  explicit Deadline(DeadlineObserver& observer) noexcept : observer_(&observer) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { cancel(); }

  void cancel() noexcept;
  [[nodiscard]] bool pending() const noexcept { return next_ != nullptr; }

 private:
  friend class Deadlines;
  Deadline() noexcept = default;  // a list's anchor
  void link_before(Deadline& anchor) noexcept;

  DeadlineObserver* observer_ = nullptr;
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
  base::TimePoint due_{};
};

class Deadlines {
 public:
  explicit Deadlines(Loop& loop);
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  ~Deadlines();

  // Fires once, `after` from the start of the current turn; replaces a pending start of `deadline`.
  void start(Deadline& deadline, base::Duration after);

 private:
  struct List {
    base::Duration after{};
    Deadline anchor;  // anchor.next_ is the oldest
  };
  void fire_due();
  void arm(base::TimePoint due);
  List& list_of(base::Duration after);

  Loop& loop_;
  Timer timer_;
  base::TimePoint armed_for_{};  // meaningful while timer_.running()
  std::deque<List> lists_;       // one per duration in use: a handful, one per configured timeout
};

}  // namespace gracevisor::loop
