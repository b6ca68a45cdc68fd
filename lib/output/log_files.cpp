#include "output/log_files.h"

namespace gracevisor::output {

void LogFiles::append(const Lines& lines) {
  auto [place, fresh] = files_.try_emplace(lines.policy.path, lines.policy, clock_, lost_, ways_);
  if (!fresh) place->second.set_policy(lines.policy);
  place->second.append(lines.text, lines.before, lines.first, lines.last);
}

void LogFiles::reopen() {
  for (auto& [path, file] : files_) file.reopen();
}

void LogFiles::tick() {
  for (auto& [path, file] : files_) file.tick();
  std::erase_if(files_, [](const auto& entry) { return entry.second.idle(); });
}

}  // namespace gracevisor::output
