#include "output/log_files.h"

namespace gracevisor::output {

void LogFiles::append(const Lines& lines) {
  auto place = files_.find(lines.policy.path);
  if (place != files_.end()) {
    place->second.set_policy(lines.policy);
  } else {
    std::optional<Seam> left;
    if (auto closed = closed_.extract(lines.policy.path)) left = closed.mapped();
    place = files_.try_emplace(lines.policy.path, lines.policy, clock_, lost_, ways_, left).first;
  }
  place->second.append(lines.text, lines.before, lines.first, lines.last);
}

void LogFiles::reopen() {
  for (auto& [path, file] : files_) file.reopen();
}

void LogFiles::tick() {
  for (auto& [path, file] : files_) file.tick();
  for (auto next = files_.begin(); next != files_.end();) {
    if (!next->second.idle()) {
      ++next;
      continue;
    }
    next->second.leave();
    closed_.insert_or_assign(next->first, next->second.seam());
    next = files_.erase(next);
  }
}

}  // namespace gracevisor::output
