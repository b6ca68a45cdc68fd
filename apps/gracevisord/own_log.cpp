#include "own_log.h"

#include <chrono>
#include <utility>

namespace gracevisor::daemon {

void OwnLog::add(std::string_view line) {
  tail_.add(process::OutputStream::err, line, std::chrono::system_clock::now());
  if (followers_.empty() || tail_.lines().empty()) return;
  for (const auto& [number, follower] : followers_) follower(tail_.lines().back());
}

std::uint64_t OwnLog::follow(std::function<void(const supervise::OutputLine&)> follower) {
  followers_.emplace(++last_follower_, std::move(follower));
  return last_follower_;
}

}  // namespace gracevisor::daemon
