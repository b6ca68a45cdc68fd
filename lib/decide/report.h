// What a command reports while it runs: phases with their times, and the exit code last. Kept as the app's
// history, and followed by whoever gave the command. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/exit_code.h"

namespace gracevisor::decide {

using base::ExitCode;

// What a line says in numbers and words, for programs: {"in_flight", 9}.
struct ReportField {
  std::string_view name;
  std::variant<bool, std::int64_t, std::string> value;
  bool operator==(const ReportField&) const = default;
};

struct ReportLine {
  std::string phase = {};  // "start", "healthy", "cutover", …; "" continues the line before
  base::Millis at{};       // since the command began
  std::string text = {};
  std::optional<ExitCode> exit = {};  // the last line's
  std::vector<ReportField> fields = {};
};

class Report {
 public:
  using Follower = std::function<void(const ReportLine&)>;

  explicit Report(base::TimePoint began) : began_(began) {}

  void add(base::TimePoint now, std::string phase, std::string text);
  // `line.at` is filled in.
  void add(base::TimePoint now, ReportLine line);
  // The last line.
  void finish(base::TimePoint now, std::string phase, std::string text, ExitCode exit);

  // `follower` gets every line from the first; existing ones immediately.
  void follow(Follower follower);

  [[nodiscard]] const std::vector<ReportLine>& lines() const { return lines_; }
  [[nodiscard]] bool finished() const { return !lines_.empty() && lines_.back().exit.has_value(); }
  [[nodiscard]] base::TimePoint began() const { return began_; }

 private:
  base::TimePoint began_;
  std::vector<ReportLine> lines_;
  std::vector<Follower> followers_;
};

}  // namespace gracevisor::decide
