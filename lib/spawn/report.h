// The daemon's end of the report pipe (protocol.h). The descriptor is non-blocking. Thread: the supervisor's.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "spawn/failure.h"

namespace gracevisor::spawn {

class SpawnReport {
 public:
  explicit SpawnReport(base::UniqueFd read_end) : read_end_(std::move(read_end)) {}

  [[nodiscard]] int fd() const noexcept { return read_end_.get(); }
  // Takes what the pipe has; true once it ended. Never blocks.
  [[nodiscard]] bool read_to_end();
  // What arrived: unset means that the program runs. Code 0 with stage crashed: no word at all.
  [[nodiscard]] std::optional<SpawnFailed> failure() const;

 private:
  base::UniqueFd read_end_;
  std::string bytes_;  // a record and the byte at most, one more marks rubbish
};

}  // namespace gracevisor::spawn
