// Keeps account of the request bodies of one app that one worker reads before it chooses an instance, so that
// no instance waits for a slow client: how many bytes are kept for them, and which request goes when these
// are too many. A request that waits here owns no lease and belongs to no generation: neither a cutover nor a
// drain has to consider it. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace gracevisor::proxy {

class RequestBuffers {
 public:
  // A body that began to arrive less than this long ago goes only if all are as young.
  static constexpr base::Duration kYoung = base::Millis(1000);

  class Owner {
   public:
    // Its body came more slowly than all others, and there is no room left for it. The owner must leave.
    virtual void body_too_slow() = 0;

   protected:
    ~Owner() = default;
  };

  // A member of the object that waits. Requires: leave() is called before it is destroyed.
  class Place {
   public:
    explicit Place(Owner& who) noexcept : who_(&who) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() = default;
    [[nodiscard]] bool waiting() const noexcept { return next_ != nullptr; }
    // Requires: waiting().
    [[nodiscard]] base::TimePoint since() const noexcept { return since_; }

   private:
    friend class RequestBuffers;
    Place() noexcept : previous_(this), next_(this) {}  // the anchor
    [[nodiscard]] bool slower_than(const Place& other, base::TimePoint now) const noexcept;
    [[nodiscard]] std::uint64_t millis(base::TimePoint now) const noexcept;

    Owner* who_ = nullptr;
    base::TimePoint since_{};
    std::size_t bytes_ = 0;      // kept for it
    std::uint64_t content_ = 0;  // bytes of its body that have come
    Place* previous_ = nullptr;
    Place* next_ = nullptr;
  };

  RequestBuffers() = default;
  RequestBuffers(const RequestBuffers&) = delete;
  RequestBuffers& operator=(const RequestBuffers&) = delete;
  ~RequestBuffers() = default;

  void enter(Place& place, base::TimePoint now) noexcept;
  void leave(Place& place) noexcept;
  // `bytes` are now kept for it, and `content` bytes of its body have come.
  void keep(Place& place, std::size_t bytes, std::uint64_t content) noexcept;

  // The owner whose body has to go because more than `most` bytes are kept for all of them together; null:
  // none. A body that waits alone stays: the size of one buffer bounds it.
  [[nodiscard]] Owner* surplus(std::uint64_t most, base::TimePoint now) const noexcept;

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  Place anchor_;  // next_ is the one that came first
  std::size_t waiting_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace gracevisor::proxy
