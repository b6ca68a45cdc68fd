#include "output/log_files.h"

namespace gracevisor::output {

void LogFiles::append(const FilePolicy& policy, std::string_view lines, const Dropped& before) {
  auto [place, fresh] = files_.try_emplace(policy.path, policy, clock_, lost_, ways_);
  if (!fresh) place->second.set_policy(policy);
  place->second.append(lines, before);
}

void LogFiles::reopen() {
  for (auto& [path, file] : files_) file.reopen();
}

void LogFiles::tick() {
  for (auto& [path, file] : files_) file.tick();
  std::erase_if(files_, [](const auto& entry) { return entry.second.idle(); });
}

}  // namespace gracevisor::output
