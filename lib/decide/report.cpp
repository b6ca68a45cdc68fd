#include "decide/report.h"

namespace gracevisor::decide {

void Report::add(base::TimePoint now, ReportLine line) {
  line.at = std::chrono::duration_cast<base::Millis>(now - began_);
  lines_.push_back(std::move(line));
  for (const Follower& follower : followers_) follower(lines_.back());
  if (finished()) followers_.clear();
}

void Report::add(base::TimePoint now, std::string phase, std::string text) {
  add(now, ReportLine{.phase = std::move(phase), .text = std::move(text)});
}

void Report::finish(base::TimePoint now, std::string phase, std::string text, ExitCode exit) {
  add(now, ReportLine{.phase = std::move(phase), .text = std::move(text), .exit = exit});
}

void Report::follow(Follower follower) {
  for (const ReportLine& line : lines_) follower(line);
  if (!finished()) followers_.push_back(std::move(follower));
}

}  // namespace gracevisor::decide
