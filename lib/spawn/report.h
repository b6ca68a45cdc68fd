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
  // Reads what the pipe holds; true once it has ended. Never blocks.
  [[nodiscard]] bool read_to_end();
  // Nothing was read so far.
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  // What was reported: unset means that the program runs. Code 0 with stage crashed: nothing arrived at all.
  [[nodiscard]] std::optional<SpawnFailed> failure() const;

 private:
  base::UniqueFd read_end_;
  std::string bytes_;  // at most a record and the byte; one more means garbage
};

}  // namespace gracevisor::spawn
