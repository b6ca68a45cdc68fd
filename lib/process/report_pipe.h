// The daemon's end of the pipe through which the helper reports what failed before the program ran, watched
// by the loop. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/unique_fd.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"
#include "spawn/report.h"

namespace gracevisor::process {

class ReportPipe {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<ReportPipe>> create();
  // Our end of one whose helper was started by a former daemon, which may have read what was in it.
  [[nodiscard]] static base::Expected<std::unique_ptr<ReportPipe>> of(base::UniqueFd read_end);
  ReportPipe(const ReportPipe&) = delete;
  ReportPipe& operator=(const ReportPipe&) = delete;
  ~ReportPipe() = default;

  // The helper's end; may be called once.
  [[nodiscard]] base::UniqueFd take_helper_end() { return std::move(helper_end_); }
  [[nodiscard]] base::Expected<base::UniqueFd> copy_of_our_end() const {
    return base::duplicate(report_.fd());
  }
  // `on_report` is called when there is something to read, until stop(). An error: it cannot be watched.
  [[nodiscard]] base::Expected<void> listen(loop::Loop& loop, std::function<void()> on_report);
  // No call follows; the pipe may still be read.
  void stop() { watch_.reset(); }

  [[nodiscard]] int fd() const noexcept { return report_.fd(); }
  // As in spawn/report.h.
  [[nodiscard]] bool read_to_end() { return report_.read_to_end(); }
  [[nodiscard]] bool empty() const { return report_.empty(); }
  [[nodiscard]] std::optional<spawn::SpawnFailed> failure() const { return report_.failure(); }

 private:
  ReportPipe(base::UniqueFd read_end, base::UniqueFd helper_end)
      : report_(std::move(read_end)), helper_end_(std::move(helper_end)) {}

  spawn::SpawnReport report_;
  base::UniqueFd helper_end_;
  std::unique_ptr<loop::FdWatch> watch_;  // destroyed before the descriptor
};

}  // namespace gracevisor::process
