#include "process/report_pipe.h"

#include "spawn/launcher.h"

namespace gracevisor::process {

base::Expected<std::unique_ptr<ReportPipe>> ReportPipe::create(loop::Loop& loop) {
  auto ends = base::make_pipe();
  if (!ends) return std::unexpected(ends.error());
  auto helper_end = base::duplicate(ends->write_end.get(), spawn::kLowestSource);
  if (!helper_end) return std::unexpected(helper_end.error());
  if (auto set = base::set_nonblocking(ends->read_end.get()); !set) return std::unexpected(set.error());
  std::unique_ptr<ReportPipe> pipe(new ReportPipe(std::move(ends->read_end), std::move(*helper_end)));
  auto watch = loop::FdWatch::create(loop, pipe->report_.fd(), loop::FdWatch::Interest::readable,
                                     [raw = pipe.get()] { raw->on_report_(); });
  if (!watch) return std::unexpected(watch.error());
  pipe->watch_ = std::move(*watch);
  return pipe;
}

}  // namespace gracevisor::process
