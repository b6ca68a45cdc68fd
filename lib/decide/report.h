// What a command reports while it runs: phases with their times, and the exit code last. The client that gave
// the command follows its report; once it is finished, the app's history keeps it. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/exit_code.h"
#include "base/strong.h"

namespace gracevisor::decide {

using base::ExitCode;

// A number or word that a line states, for programs: {"in_flight", 9}.
struct ReportField {
  std::string name;
  std::variant<bool, std::int64_t, std::string> value;
  bool operator==(const ReportField&) const = default;
};

// Those that a line tells of, for programs.
struct StartedInstance {
  std::string instance;  // "43.1"
  std::uint64_t pid = 0;
  std::string endpoint = {};  // ":21004"; empty: none
  bool operator==(const StartedInstance&) const = default;
};
struct StoppedInstance {
  std::string instance;
  std::string last_exit = {};  // "exit 0"
  std::optional<int> code = {};
  std::optional<int> signal = {};
  bool operator==(const StoppedInstance&) const = default;
};

struct ReportLine {
  std::string app = {};    // in the report of a command that concerns several apps
  std::string phase = {};  // "start", "healthy", "cutover", …; "" continues the line before
  base::Millis at{};       // since the command began
  std::string text = {};
  std::optional<ExitCode> exit = {};  // set on the last line only
  std::vector<ReportField> fields = {};
  std::vector<std::string> keys = {};  // of the configuration
  std::vector<StartedInstance> started = {};
  std::vector<StoppedInstance> stopped = {};
};

// What was asked for, and by whom.
struct Command {
  std::string verb = {};                  // "deploy", "stop", …; empty: no command, but a start at boot
  std::optional<std::uint64_t> uid = {};  // unset: the daemon itself
};

class Report {
 public:
  using Follower = std::function<void(const ReportLine&)>;

  explicit Report(base::TimePoint began, Command command = {})
      : began_(began), command_(std::move(command)) {}

  // The generation that the command concerns, or brings.
  void concerns(base::GenerationId generation) { generation_ = generation; }

  void add(base::TimePoint now, std::string phase, std::string text);
  // Fills in `line.at`.
  void add(base::TimePoint now, ReportLine line);
  // Adds the last line.
  void finish(base::TimePoint now, std::string phase, std::string text, ExitCode exit);

  // `follower` gets every line from the first; existing ones immediately.
  void follow(Follower follower);

  [[nodiscard]] const std::vector<ReportLine>& lines() const { return lines_; }
  [[nodiscard]] bool finished() const { return !lines_.empty() && lines_.back().exit.has_value(); }
  [[nodiscard]] base::TimePoint began() const { return began_; }
  [[nodiscard]] const Command& command() const { return command_; }
  [[nodiscard]] base::GenerationId generation() const { return generation_; }  // 0: none

 private:
  base::TimePoint began_;
  Command command_;
  base::GenerationId generation_;
  std::vector<ReportLine> lines_;
  std::vector<Follower> followers_;
};

}  // namespace gracevisor::decide
