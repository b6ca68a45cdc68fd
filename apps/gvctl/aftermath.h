// What became of a command whose daemon ended before it said so, as far as the next daemon tells: from the
// report of what is under way, from the app's history, and from its state. Pure. Thread: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "control/messages.h"
#include "gvctl/command_line.h"

namespace gracevisor::gvctl {

// A command for one app that was sent to the former daemon.
struct Lost {
  Verb verb = Verb::deploy;
  std::string app;
  std::string instance = {};  // "43.1" or "43"; empty: the whole app
  std::string word = {};      // of scale
  base::WallTime sent{};
  std::optional<std::uint64_t> generation = {};  // of a deploy, if its report came to that
};

// What the report that was lost has told, for each app; "": a report of one app.
class Told {
 public:
  struct Of {
    std::optional<std::uint64_t> generation;  // that a deploy brings
    std::optional<int> exit;                  // of an app that was done
  };
  void note(const control::ReportLine& line);
  [[nodiscard]] const std::map<std::string, Of>& apps() const { return apps_; }
  [[nodiscard]] Of of(const std::string& app) const;
  // Of the first line: "deploy", "stop"; empty: none came.
  [[nodiscard]] const std::string& heading() const { return heading_; }
  // Of an upgrade: has the other daemon taken over; and the pid of that one, 0: not started yet.
  [[nodiscard]] bool served() const { return served_; }
  [[nodiscard]] std::int64_t successor() const { return successor_; }

 private:
  std::map<std::string, Of> apps_;
  std::string heading_;
  bool served_ = false;
  std::int64_t successor_ = 0;
};

// The generation that a deploy's heading names.
[[nodiscard]] std::optional<std::uint64_t> generation_of(const control::ReportLine& line);

// Can the next daemon go on with it? All other commands end with their daemon.
[[nodiscard]] bool goes_on(Verb verb);
// Is this first line that of the command, gone on with? `now`: when it came.
[[nodiscard]] bool is_its_heading(const control::ReportLine& line, const Lost& lost, base::WallTime now);
// Has the deploy whose first line in the next daemon this is had its cutover?
[[nodiscard]] bool has_cut_over(const control::ReportLine& heading);

// The newest entry that can be the command's; null: none.
[[nodiscard]] const control::PastCommand* entry_of(const control::History& history, const Lost& lost);

// The last line that it would have had, by the app's state (null: there is no such app); unset: it still goes
// on. `now`: of the state. Looked at when nothing of it is under way, nor in the history.
[[nodiscard]] std::optional<control::ReportLine> judge(const control::AppStatus* app, const Lost& lost,
                                                       base::WallTime now);

}  // namespace gracevisor::gvctl
