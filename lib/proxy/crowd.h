// Who has the places of one worker, and who goes first when they become scarce: a connection that was refused
// and still reads why, then the one that has been idle longest, of all or of a client that has too
// many. Nobody is refused while one of these can go.
//
//   roomy --four fifths are taken--> scarce --fewer than three quarters are--> roomy
//
// While there is room nothing is kept in order, but for clients whose number is limited by their listener: a
// request costs two stores. When places become scarce, those that are idle are ranked once; from then on the
// ranks are kept in O(1). Then also no client keeps more than a quarter of all places, unless it is exempt.
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"
#include "proxy/client_counts.h"

namespace gracevisor::proxy {

class Downstream;

// A connection in the crowd: a member of it. Its owner calls Crowd::leave() before it ends.
class Seat {
 public:
  explicit Seat(Downstream& of) noexcept : of_(of) {}
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() = default;

  [[nodiscard]] Downstream& of() const noexcept { return of_; }

 private:
  friend class Crowd;
  Downstream& of_;
  ClientKey key_;                           // of whose connections it is one; nobody's: exempt
  std::size_t limit_ = 0;                   // how many those may be; 0: a quarter while places are scarce
  ClientCounts::Client* client_ = nullptr;  // null: not counted
  IdleRank<Seat> in_all_{this};
  IdleRank<Seat> in_client_{this};
  base::TimePoint idle_since_{};
  bool idle_ = false;
  bool last_ = false;  // idle_, and nothing more will be asked
};

class Crowd {
 public:
  explicit Crowd(std::size_t places) noexcept { allow(places); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() = default;

  // So many places there are from now on; follow() then sees to it.
  void allow(std::size_t places) noexcept;
  [[nodiscard]] bool scarce() const noexcept { return scarce_; }
  // `taken` places are taken; changes between roomy and scarce, where it has to see all seats for once.
  template <class EachSeat>
  void follow(std::size_t taken, const EachSeat& each_seat) {
    if (scarce_ ? taken >= roomy_below_ : taken < scarce_from_) return;
    begin(!scarce_);
    each_seat([this](Seat& seat) { change(seat); });
    rank();
  }

  // Whose connection it is.
  void enter(Seat& seat, ClientKey key, std::size_t limit);
  // Its client has too many; oldest_of() tells which could go instead.
  [[nodiscard]] bool too_many(const Seat& seat) const noexcept;
  void leave(Seat& seat) noexcept;

  void idle(Seat& seat, base::TimePoint now) noexcept { become_idle(seat, now, false); }
  // It was refused, and only reads the answer.
  void last(Seat& seat, base::TimePoint now) noexcept { become_idle(seat, now, true); }
  void busy(Seat& seat) noexcept;

  // Can so many go?
  [[nodiscard]] bool can_spare(std::size_t places) const noexcept {
    return places <= lasts_ + (idle_.oldest() != nullptr ? 1 : 0);
  }
  // The one that goes first; null: none can, or nobody knows, as there is room.
  [[nodiscard]] Seat* first_to_go() const noexcept {
    Seat* last = last_.oldest();
    return last != nullptr ? last : idle_.oldest();
  }
  [[nodiscard]] static Seat* oldest_of(const Seat& seat) noexcept;

 private:
  void begin(bool scarce);
  void change(Seat& seat);
  void rank();
  void become_idle(Seat& seat, base::TimePoint now, bool last) noexcept;
  void enter_all(Seat& seat) noexcept { seat.in_all_.enter(seat.last_ ? last_ : idle_); }
  void uncount(Seat& seat) noexcept;

  std::size_t scarce_from_ = 0;
  std::size_t roomy_below_ = 0;
  std::size_t quarter_ = 0;
  bool scarce_ = false;
  std::size_t lasts_ = 0;  // seats with last_
  ClientCounts counts_;
  IdleRank<Seat> idle_{nullptr};  // the anchors
  IdleRank<Seat> last_{nullptr};
  std::vector<Seat*> to_rank_;
};

}  // namespace gracevisor::proxy
