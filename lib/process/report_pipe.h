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
  // Nothing is called before listen().
  [[nodiscard]] static base::Expected<std::unique_ptr<ReportPipe>> create(loop::Loop& loop);
  ReportPipe(const ReportPipe&) = delete;
  ReportPipe& operator=(const ReportPipe&) = delete;
  ~ReportPipe() = default;

  // The helper's end; may be called once.
  [[nodiscard]] base::UniqueFd take_helper_end() { return std::move(helper_end_); }
  // Must be called in the same turn of the loop as create(): `on_report` is called when there is something to
  // read.
  void listen(std::function<void()> on_report) { on_report_ = std::move(on_report); }
  // No call follows; the pipe may still be read.
  void stop() { watch_.reset(); }

  [[nodiscard]] int fd() const noexcept { return report_.fd(); }
  // As in spawn/report.h.
  [[nodiscard]] bool read_to_end() { return report_.read_to_end(); }
  [[nodiscard]] std::optional<spawn::SpawnFailed> failure() const { return report_.failure(); }

 private:
  ReportPipe(base::UniqueFd read_end, base::UniqueFd helper_end)
      : report_(std::move(read_end)), helper_end_(std::move(helper_end)) {}

  spawn::SpawnReport report_;
  base::UniqueFd helper_end_;
  std::function<void()> on_report_;
  std::unique_ptr<loop::FdWatch> watch_;  // destroyed before the descriptor
};

}  // namespace gracevisor::process
