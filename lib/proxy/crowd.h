// Which connections hold the places of one worker, and which of them goes first when places become scarce:
// one that was refused and is still reading why, then the one that has been idle longest, of all or of a
// client that has too many. No client is refused while such a connection can go.
//
//   roomy --four fifths are taken--> scarce --fewer than three quarters are--> roomy
//
// While there is room, no order is kept, except for clients whose listener limits their connections, so a
// request costs two stores. When places become scarce, the idle connections are ranked once; from then on the
// ranks are kept in O(1). While places are scarce, no client keeps more than a quarter of all places, unless
// it is exempt or its listener sets another limit. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "proxy/client_counts.h"

namespace gracevisor::proxy {

class Downstream;

// What the crowd knows about a connection; a member of the connection. Kept small: every idle connection has
// one, so the ranks are allocated separately, only while they are needed.
class Seat {
 public:
  // Whose connection it is; called before the connection enters.
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
  ClientKey key_;            // of no client: not counted
  bool entered_ = false;     // it has entered and is not exempt
  bool idle_ = false;
  bool last_ = false;  // idle_, and no request will follow
};

class Crowd {
 public:
  explicit Crowd(std::size_t places) noexcept { allow(places); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() = default;

  // The number of places from now on; follow() then applies it.
  void allow(std::size_t places) noexcept;
  [[nodiscard]] bool scarce() const noexcept { return scarce_; }
  // `taken` places are taken. Changes between roomy and scarce if need be; only then does it visit all
  // clients.
  template <class EachClient>
  void follow(std::size_t taken, const EachClient& each_client) {
    if (scarce_ ? taken >= roomy_below_ : taken < scarce_from_) return;
    begin(!scarce_);
    each_client([this](Downstream& client) { change(client); });
    rank();
  }

  // Counts the connection for the client it belongs to, unless it is exempt; `limit`: see Seat.
  void enter(Downstream& client, bool exempt, std::uint32_t limit);
  // Its client has too many connections; oldest_of() says which could go instead.
  [[nodiscard]] bool too_many(const Seat& seat) const noexcept;
  void leave(Seat& seat) noexcept;

  void idle(Downstream& client, base::TimePoint now) { become_idle(client, now, false); }
  // The client was refused, and is only reading the answer.
  void last(Downstream& client, base::TimePoint now) { become_idle(client, now, true); }
  void busy(Seat& seat) noexcept;

  // Can this many connections go? Of the idle ones it counts only the oldest.
  [[nodiscard]] bool can_spare(std::size_t places) const noexcept {
    return places <= lasts_ + (idle_.oldest() != nullptr ? 1 : 0);
  }
  // The one that goes first; null: none can, or there is room and so no ranking.
  [[nodiscard]] Downstream* first_to_go() const noexcept {
    Downstream* last = last_.oldest();
    return last != nullptr ? last : idle_.oldest();
  }
  // Null: none of its client's connections can go.
  [[nodiscard]] static Downstream* oldest_of(const Seat& seat) noexcept;
  // Connections whose requests have arrived but have not been read yet stop counting as idle, so that none is
  // closed with a request on it. Call the first before can_spare() and first_to_go(), the second before
  // oldest_of().
  void pass_over_askers() noexcept { pass_over_askers(idle_); }
  void pass_over_askers(const Seat& seat) noexcept;

 private:
  void pass_over_askers(const IdleRank<Downstream>& anchor) noexcept;
  void begin(bool scarce);
  void change(Downstream& client);
  void rank();
  void become_idle(Downstream& client, base::TimePoint now, bool last);
  // Makes the ranks if the seat has none.
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
