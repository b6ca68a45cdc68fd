// What follows from what is seen of the folder of daemon.autodiscover, and when. Pure.
//
//   a file has not changed for kSettle          --> it is to be applied
//   a file is missing, or no longer has an app  --for kGone--> those apps are to be stopped
//
// Whether a file has settled is judged by itself, and one that never does is never applied. A file that lost
// all of its apps is refused, as a full disk leaves such files, too. A folder that cannot be read, is empty,
// or lost more than half of its files at once, or apps of them, has rather met with an accident than been
// changed: nothing is removed until all of that is back, or a reload removes what is lost. Events may be
// lost, or come from another folder at the same path: it is looked at every kLookAgain, too. Thread: the
// supervisor's.
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
  // For this long what has settled waits for what has not: apps may have moved from one to the other.
  static constexpr base::Duration kTogether = std::chrono::seconds(5);
  // From when on a file that never settles is told, and does not keep others from being removed.
  static constexpr base::Duration kLongest = std::chrono::seconds(30);
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
    Names shrunk = {};   // changed ones that may lose apps
    Files stamps = {};   // of the changed ones
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
    Names shrunk = {};   // not applied: they would lose apps, and may not yet
    Names emptied = {};  // refused, as they lost all of their apps
  };
  void done(const Plan& plan, const Outcome& outcome, base::TimePoint now);

  // A reload has put the folder into force. `removed`: without the apps of what is missing. Otherwise files
  // that lost apps have no stamp there: these apps are judged by the next look.
  void reloaded(Files in_force, bool removed, base::TimePoint now);

  // Why nothing would be removed; empty: it would. "is empty", to be read behind the folder's name.
  [[nodiscard]] std::string trouble() const;
  // The files that have not settled for kLongest.
  [[nodiscard]] Names restless() const;

 private:
  struct Change {
    base::FileStamp stamp;
    base::TimePoint since;  // when that was first seen
    base::TimePoint first;  // when the file began to change
    bool settled = false;
  };
  void note_changes(base::TimePoint now);
  void note_missing(base::TimePoint since);
  [[nodiscard]] bool is_accident() const;
  [[nodiscard]] bool is_fresh(const std::string& name, const Change& change) const;
  [[nodiscard]] bool is_changing() const;
  [[nodiscard]] bool is_ready(base::TimePoint now) const;
  void set_changed(Plan& plan) const;
  void applied(const std::string& name);

  Files in_force_;
  Files seen_;
  std::map<std::string, Change> changes_;           // seen, and not as in force
  Files tried_;                                     // and not applied
  Names shrunk_;                                    // tried: they would lose apps, after kGone
  Names emptied_;                                   // tried: they would lose all
  std::map<std::string, base::TimePoint> missing_;  // since when
  Names held_;                                      // lost by accident
  std::string unreadable_;                          // why
  std::optional<base::TimePoint> noticed_;          // since the last look
  base::TimePoint looked_;
};

}  // namespace gracevisor::decide
