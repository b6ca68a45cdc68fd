// What follows from what is seen of the folder of daemon.autodiscover, and when. Pure.
//
//   something happens in it --kSettle after the last of it--> what has changed is to be applied
//   a file is missing       --for kGone-->                    its apps are to be stopped
//
// A folder that cannot be read, is empty, or lost more than half of its files at once has rather met with an
// accident than been changed: nothing is removed until every lost file is back, or a reload removes what is
// lost. Events may be lost, or come from another folder at the same path: it is looked at every kLookAgain,
// too. Thread: the supervisor's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/file_stamp.h"

namespace gracevisor::decide {

class AppFolder {
 public:
  using Files = std::map<std::string, base::FileStamp>;  // by name
  using Names = std::set<std::string>;

  static constexpr base::Duration kSettle = std::chrono::seconds(1);
  static constexpr base::Duration kLongest = std::chrono::seconds(30);  // if it never settles
  static constexpr base::Duration kGone = std::chrono::seconds(10);
  static constexpr base::Duration kLookAgain = std::chrono::seconds(10);

  // As it was put into force by the daemon's start.
  AppFolder(Files in_force, base::TimePoint now);

  void notice(base::TimePoint now);  // something happened in it
  // When to look at it: at most once in kSettle.
  [[nodiscard]] base::TimePoint due() const;

  struct Plan {
    Names changed = {};  // not as they are in force; new ones among them
    Names missing = {};  // in force, and not there
    Names gone = {};     // those among them whose apps are to be stopped
    [[nodiscard]] bool empty() const { return changed.empty() && gone.empty(); }
  };
  // What is to be done now. `seen`: an error if it cannot be read.
  [[nodiscard]] Plan look(base::TimePoint now, const base::Expected<Files>& seen);

  // What became of `plan`. Refused files stay in force as they were, and are tried again with the next
  // change.
  struct Outcome {
    Names refused = {};
    Names dropped = {};  // missing, but what they had is by now in other files
    Names busy = {};     // to be tried again in a moment
  };
  void done(const Plan& plan, const Outcome& outcome, base::TimePoint now);

  // A reload has put the folder into force. `removed`: without the apps of what is missing.
  void reloaded(Files in_force, bool removed, base::TimePoint now);

  // Why nothing would be removed; empty: it would. "is empty", to be read behind the folder's name.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Pending {
    base::TimePoint first;
    base::TimePoint last;
  };
  [[nodiscard]] bool settled(base::TimePoint now) const;
  void note_missing(base::TimePoint since);
  [[nodiscard]] bool is_accident() const;
  [[nodiscard]] Names changed() const;
  [[nodiscard]] bool any_fresh() const;

  Files in_force_;
  Files seen_;
  Files tried_;                                     // and refused
  std::map<std::string, base::TimePoint> missing_;  // since when
  Names held_;                                      // lost by accident
  std::string unreadable_;                          // why
  std::optional<Pending> pending_;
  base::TimePoint looked_;
};

}  // namespace gracevisor::decide
