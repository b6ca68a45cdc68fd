// Requests that wait because no instance can take them, first come, first served; bounded per app in number
// and bytes. They hold no lease. At every adoption they match again, a bounded number per turn, so that their
// release neither starves the open connections nor floods an instance that has just started.
// Thread: the worker's.
#pragma once

#include <cstddef>

#include "loop/next_turn.h"
#include "proxy/bell.h"
#include "proxy/switchboard.h"

namespace gracevisor::proxy {

class HoldQueue {
 public:
  static constexpr int kPerTurn = 64;

  class Held {
   public:
    // Leaves the queue, and tries once more from the current table.
    virtual void match_again() = 0;

   protected:
    ~Held() = default;
  };

  // A member of the object that waits. Requires: it has left before it is destroyed.
  class Place {
   public:
    explicit Place(Held& who) noexcept : who_(&who) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() = default;
    [[nodiscard]] bool waiting() const noexcept { return next_ != nullptr; }

   private:
    friend class HoldQueue;
    Place() noexcept : previous_(this), next_(this) {}  // an anchor
    void unlink() noexcept;
    void link_before(Place& anchor) noexcept;

    Held* who_ = nullptr;
    LocalApp* app_ = nullptr;
    std::size_t bytes_ = 0;
    Place* previous_ = nullptr;
    Place* next_ = nullptr;
  };

  HoldQueue(loop::Loop& loop, const Bell& bell);

  // False when the app's share of the queue is full, in requests or in memory. `bytes` is what this request
  // keeps.
  [[nodiscard]] bool enter(Place& place, LocalApp& app, std::size_t bytes, std::size_t max_requests,
                           std::uint64_t max_bytes);
  void leave(Place& place) noexcept;
  // A table was adopted.
  void match_all_again();

 private:
  void release_some();

  const Bell& bell_;
  Place waiting_;  // anchors: next_ is the one that came first
  Place due_;      // to match again
  loop::NextTurn next_turn_;
};

}  // namespace gracevisor::proxy
