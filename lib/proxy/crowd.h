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
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "proxy/client_counts.h"

namespace gracevisor::proxy {

class Downstream;

// What the crowd knows of a connection, which has it as a member. Kept small: there is one for every idle
// connection, so the ranks stand apart while nobody asks for them.
class Seat {
 public:
  // Whose connection it is; before it enters.
  void belong_to(const ClientKey& key) noexcept { key_ = key; }
  [[nodiscard]] const ClientKey& key() const noexcept { return key_; }

 private:
  friend class Crowd;
  struct Ranks {
    explicit Ranks(Downstream& of) noexcept : in_all(&of), in_client(&of) {}
    ClientCounts::Client* client = nullptr;  // null: not counted
    IdleRank<Downstream> in_all;
    IdleRank<Downstream> in_client;
  };

  std::unique_ptr<Ranks> ranks_;  // while places are scarce, or its client is counted
  base::TimePoint idle_since_{};
  std::uint32_t limit_ = 0;  // of its client's connections; 0: a quarter while places are scarce
  ClientKey key_;            // nobody's: not counted
  bool entered_ = false;     // and not exempt
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
  // `taken` places are taken; changes between roomy and scarce, where it has to see all clients for once.
  template <class EachClient>
  void follow(std::size_t taken, const EachClient& each_client) {
    if (scarce_ ? taken >= roomy_below_ : taken < scarce_from_) return;
    begin(!scarce_);
    each_client([this](Downstream& client) { change(client); });
    rank();
  }

  // Counts among those of whoever it belongs to, unless it is exempt; `limit`: see Seat.
  void enter(Downstream& client, bool exempt, std::uint32_t limit);
  // Its client has too many; oldest_of() tells which could go instead.
  [[nodiscard]] bool too_many(const Seat& seat) const noexcept;
  void leave(Seat& seat) noexcept;

  void idle(Downstream& client, base::TimePoint now) { become_idle(client, now, false); }
  // It was refused, and only reads the answer.
  void last(Downstream& client, base::TimePoint now) { become_idle(client, now, true); }
  void busy(Seat& seat) noexcept;

  // Can so many go?
  [[nodiscard]] bool can_spare(std::size_t places) const noexcept {
    return places <= lasts_ + (idle_.oldest() != nullptr ? 1 : 0);
  }
  // The one that goes first; null: none can, or nobody knows, as there is room.
  [[nodiscard]] Downstream* first_to_go() const noexcept {
    Downstream* last = last_.oldest();
    return last != nullptr ? last : idle_.oldest();
  }
  // Null: none of its client's can go.
  [[nodiscard]] static Downstream* oldest_of(const Seat& seat) noexcept;
  // Whose requests have come and only were not read yet are no longer idle: nobody is closed under a request.
  // One call before can_spare() and first_to_go(), the other before oldest_of().
  void pass_over_askers() noexcept;
  void pass_over_askers(const Seat& seat) noexcept;

 private:
  void begin(bool scarce);
  void change(Downstream& client);
  void rank();
  void become_idle(Downstream& client, base::TimePoint now, bool last);
  // Of a seat without ranks, makes them.
  [[nodiscard]] static Seat::Ranks& ranks_of(Downstream& client);
  void count(Downstream& client);
  void enter_all(Seat& seat) noexcept { seat.ranks_->in_all.enter(seat.last_ ? last_ : idle_); }
  void uncount(Seat& seat) noexcept;

  std::size_t scarce_from_ = 0;
  std::size_t roomy_below_ = 0;
  std::size_t quarter_ = 0;
  bool scarce_ = false;
  std::size_t lasts_ = 0;  // seats with last_
  ClientCounts counts_;
  IdleRank<Downstream> idle_{nullptr};  // the anchors
  IdleRank<Downstream> last_{nullptr};
  std::vector<Downstream*> to_rank_;
};

}  // namespace gracevisor::proxy
