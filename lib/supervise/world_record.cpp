// What the world keeps for the next daemon, and takes over from the previous one.
#include <fmt/format.h>

#include <algorithm>

#include "spec/process_record.h"
#include "supervise/former_processes.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

void World::clear_leftovers() const {
  auto record = spec::load_record(around_.state_dir);
  if (!record) around_.log.error("former cause=\"{}\"", record.error().what);
  end_former_processes(around_.log, around_.state_id, record ? *record : spec::ProcessRecord{});
  sockets_.clear_leftovers();
}

// The newest content wins if several wait for the disk, so each change may ask.
void World::keep_record() {
  if (!std::exchange(record_stale_, false)) return;
  spec::ProcessRecord record{spec::boot_id(), {}};
  for (const auto& [who, run] : runs_) {
    if (run->pid() == base::Pid() || run->gone()) continue;
    record.processes.push_back({run->spec()->app.name, routing::instance_name(who), run->pid().value(),
                                run->started(), run->spec()->app.stop});
  }
  around_.writer.replace(
      spec::record_path(around_.state_dir), to_text(record), [this](base::Expected<void> written) {
        if (!written && !std::exchange(record_failed_, true)) {
          say(base::LogLevel::error, fmt::format("record of=processes cause=\"{}\"", written.error().what));
        }
        if (written) record_failed_ = false;
      });
}

bool World::over() const {
  return std::ranges::all_of(runs_,
                             [this](const auto& entry) { return entry.second->over(around_.publisher); });
}

}  // namespace gracevisor::supervise
