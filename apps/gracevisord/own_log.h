// The newest lines of the daemon's own log, in memory: for `gvctl logs --daemon`, wherever the log goes.
// Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string_view>

#include "output/lines.h"
#include "supervise/output_tail.h"

namespace gracevisor::daemon {

class OwnLog {
 public:
  explicit OwnLog(output::FilePolicy file) : file_(std::move(file)), tail_({}, {}) {}

  // A whole line with its newline.
  void add(std::string_view line);
  void set_file(output::FilePolicy file) { file_ = std::move(file); }
  // No path: standard error.
  [[nodiscard]] const output::FilePolicy& file() const noexcept { return file_; }
  [[nodiscard]] const supervise::OutputTail& lines() const noexcept { return tail_; }

  // `follower` runs for every further line, inside add(), until unfollow(); it must not log.
  [[nodiscard]] std::uint64_t follow(std::function<void(const supervise::OutputLine&)> follower);
  void unfollow(std::uint64_t number) { followers_.erase(number); }

 private:
  output::FilePolicy file_;
  supervise::OutputTail tail_;
  std::map<std::uint64_t, std::function<void(const supervise::OutputLine&)>> followers_;
  std::uint64_t last_follower_ = 0;
};

}  // namespace gracevisor::daemon
