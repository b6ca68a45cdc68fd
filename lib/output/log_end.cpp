#include "output/log_end.h"

#include <utility>

namespace gracevisor::output {

void OpenLines::add(std::string_view line, bool cut) {
  const std::string_view app = app_of_record(line);
  if (app.empty()) return;
  auto record = parse_record(line, cut, app);
  if (!record) return;
  Whose whose{app, std::move(record->instance), record->stream};
  if (!seen_.insert(whose).second || !record->goes_on) return;
  open_.emplace(std::move(whose), line.front() == '{' ? LogFormat::json : LogFormat::prefixed);
}

std::string OpenLines::ends(base::WallTime now) const {
  std::string records;
  for (const auto& [whose, format] : open_) {
    const auto& [app, instance, stream] = whose;
    append_records(format, {now, app, instance, stream}, "\n", records);
  }
  return records;
}

}  // namespace gracevisor::output
