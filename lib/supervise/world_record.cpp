// What the world keeps for the next daemon, and takes over from the previous one.
#include <utility>

#include "base/one_line.h"
#include "spec/process_record.h"
#include "supervise/former_processes.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

void World::clear_leftovers(const std::vector<config::App>& configured) const {
  ConfiguredStops stops;
  for (const config::App& app : configured) stops.emplace(app.name, app.stop);

  auto record = spec::load_record(around_.state_dir);
  if (!record) around_.log.error("former cause=\"{}\"", base::quotable(record.error().what));
  end_former_processes(around_.log, around_.parent.pid(), around_.state_id,
                       record ? *record : spec::ProcessRecord{}, stops);
  leases_.clear_leftovers();
}

void World::forget(const spec::AppState& state, std::function<void(const base::Expected<void>&)> done) const {
  around_.writer.replace(spec::state_path(around_.state_dir, state.app), to_text(state), std::move(done));
}

void World::remember(base::AppId app, const std::shared_ptr<decide::Report>& report) {
  // A start at boot is no command: with each boot it would take the place of one.
  if (!report->command().verb.empty()) keep(apps_.at(app).history, report);
}

// The newest content wins if several wait for the disk, so each change may ask.
bool World::keep_record() {
  if (!std::exchange(record_stale_, false)) return false;
  spec::ProcessRecord record{spec::boot_id(), {}};
  for (const auto& [who, run] : runs_.all()) {
    if (run->pid() == base::Pid() || run->gone()) continue;
    record.processes.push_back({run->spec()->app.name, routing::instance_name(who), run->pid().value(),
                                run->started(), run->spec()->app.stop});
  }
  around_.writer.replace(
      spec::record_path(around_.state_dir), to_text(record), [this](base::Expected<void> written) {
        if (!written && !std::exchange(record_failed_, true)) {
          around_.log.error("record of=processes cause=\"{}\"", base::quotable(written.error().what));
        }
        if (written) record_failed_ = false;
      });
  return true;
}

observe::Watched World::main_processes() const {
  observe::Watched processes;
  for (const auto& [who, run] : runs_.all()) {
    if (run->pid() != base::Pid() && !run->gone()) processes.insert({run->pid().value(), run->started()});
  }
  return processes;
}

}  // namespace gracevisor::supervise
