#include "decide/report.h"

namespace gracevisor::decide {

void Report::push(ReportLine line) {
  lines_.push_back(std::move(line));
  for (const Follower& follower : followers_) follower(lines_.back());
  if (finished()) followers_.clear();
}

void Report::add(base::TimePoint now, std::string phase, std::string text) {
  push({std::move(phase), std::chrono::duration_cast<base::Millis>(now - began_), std::move(text),
        std::nullopt});
}

void Report::finish(base::TimePoint now, std::string phase, std::string text, ExitCode exit) {
  push({std::move(phase), std::chrono::duration_cast<base::Millis>(now - began_), std::move(text), exit});
}

void Report::follow(Follower follower) {
  for (const ReportLine& line : lines_) follower(line);
  if (!finished()) followers_.push_back(std::move(follower));
}

}  // namespace gracevisor::decide
