// Decides which instances may start now, over all apps: daemon.max_starts of them at a time. An instance is
// starting from when it may until it is healthy (without an endpoint: until its program runs), has ended, has
// been told to end, or is kLongest old: so what hangs keeps nobody waiting for long, and nobody who holds a
// place waits for another. A deploy of many instances gives back the place of each as it becomes healthy.
//
//   soon    deploys, commands, and what served until it crashed: somebody waits
//   boot    what starts with the daemon, in the order of the files
//   again   what failed the last times that it was started
//
// Of the places, `boot` and `again` together leave a quarter free, at least one if there are two, and `again`
// gets a quarter, at least one. So whatever hangs at boot or in crash loops, a deploy begins at once. If more
// than one line waits for a place, they get it in turns, as their weights say: none waits for ever. In `soon`
// and `again` the apps take turns, so that a large one is not in the way of the others.
//
// What it costs: logarithmic in what waits. Pure: it has no clock. Thread: the supervisor's.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/strong.h"
#include "routing/endpoint.h"

namespace gracevisor::decide {

enum class Urgency : std::uint8_t { soon, boot, again };

class StartLimit {
 public:
  using Identity = routing::Identity;
  static constexpr base::Duration kLongest = std::chrono::seconds(5);

  // How many may be starting at a time; at least 1. It counts from the next question on: what is starting
  // goes on.
  explicit StartLimit(std::size_t most) { set_most(most); }
  void set_most(std::size_t most) { most_ = most > 0 ? most : 1; }

  // True: it is starting from now on. False: it waits until next() names it. One that waits already changes
  // its line, and keeps its place in it if that is the same.
  [[nodiscard]] bool ask(const Identity& who, Urgency urgency);
  // The same, but it waits in any case.
  void wait(const Identity& who, Urgency urgency);
  // It is starting, whoever allowed that: a former daemon did.
  void count(const Identity& who);
  // It is no longer starting, nor does it wait; it may have been neither.
  void end(const Identity& who);
  // Whose turn it is, as it was asked for: it is starting from now on. Unset: nobody's.
  [[nodiscard]] std::optional<Identity> next();

  [[nodiscard]] std::size_t most() const { return most_; }
  [[nodiscard]] std::size_t starting() const { return starting_.size(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  static constexpr std::size_t kLines = 3;

  // The slots that wait, by app; each app is in `turns` once.
  struct InLine {
    std::list<base::AppId>::iterator turn;
    std::set<Identity> slots;
  };
  struct Line {
    std::list<base::AppId> turns;
    std::map<base::AppId, InLine> apps;
    std::size_t starting = 0;  // of this line
    int credit = 0;
  };

  // A slot, whatever its incarnation.
  [[nodiscard]] static Identity slot_of(Identity who);
  [[nodiscard]] Line& line(Urgency urgency) { return lines_[static_cast<std::size_t>(urgency)]; }
  [[nodiscard]] const Line& line(Urgency urgency) const { return lines_[static_cast<std::size_t>(urgency)]; }
  [[nodiscard]] bool has_place(Urgency urgency) const;
  [[nodiscard]] std::optional<Urgency> next_line();
  void begin(const Identity& slot, Urgency urgency);
  void leave_line(const Identity& slot);

  struct Waiting {
    Identity who;
    Urgency urgency;
  };

  std::size_t most_ = 1;
  std::array<Line, kLines> lines_;
  std::map<Identity, Urgency> starting_;
  std::map<Identity, Waiting> waiting_;
};

}  // namespace gracevisor::decide
