#include "process/report_pipe.h"

#include "spawn/launcher.h"

namespace gracevisor::process {

base::Expected<std::unique_ptr<ReportPipe>> ReportPipe::create() {
  auto ends = base::make_pipe();
  if (!ends) return std::unexpected(ends.error());
  auto helper_end = base::duplicate(ends->write_end.get(), spawn::kLowestSource);
  if (!helper_end) return std::unexpected(helper_end.error());
  auto pipe = of(std::move(ends->read_end));
  if (pipe) (*pipe)->helper_end_ = std::move(*helper_end);
  return pipe;
}

base::Expected<std::unique_ptr<ReportPipe>> ReportPipe::of(base::UniqueFd read_end) {
  if (auto set = base::set_nonblocking(read_end.get()); !set) return std::unexpected(set.error());
  return std::unique_ptr<ReportPipe>(new ReportPipe(std::move(read_end), {}));
}

base::Expected<void> ReportPipe::listen(loop::Loop& loop, std::function<void()> on_report) {
  auto watch =
      loop::FdWatch::create(loop, report_.fd(), loop::FdWatch::Interest::readable, std::move(on_report));
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

}  // namespace gracevisor::process
