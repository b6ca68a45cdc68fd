// What the world keeps for the next daemon, and takes over from the previous one.
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/one_line.h"
#include "base/process_entry.h"
#include "spec/process_record.h"
#include "supervise/former_processes.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

FormerEnd::Subject World::former_subject(const std::vector<config::App>& configured) const {
  FormerEnd::Subject subject{.keeper = around_.parent.pid(), .state_id = around_.state_id};
  if (around_.cgroups != nullptr) subject.members = [home = around_.cgroups] { return home->members(); };
  for (const config::App& app : configured) subject.configured.emplace(app.name, app.stop);
  auto record = spec::load_record(around_.state_dir);
  if (!record) around_.log.error("former cause=\"{}\"", base::quotable(record.error().what));
  if (record) subject.record = std::move(*record);
  return subject;
}

void World::end_former(const std::vector<config::App>& configured) const {
  FormerEnd(around_.log, former_subject(configured)).run();
  clear_cgroups();
}

void World::clear_cgroups() const {
  if (around_.cgroups == nullptr) return;
  std::vector<process::ChildName> living;
  for (const auto& [who, run] : runs_.all()) living.push_back(run->child_name());
  around_.cgroups->clear(living);
}

void World::find_cgroup(KeptChild& child) const {
  if (around_.cgroups == nullptr) return;
  child.process.cgroup = around_.cgroups->find({.app = child.app,
                                                .endpoint = {},
                                                .generation = child.generation.value(),
                                                .incarnation = child.incarnation.value(),
                                                .slot = child.slot.value()});
}

void World::end_former_meanwhile(const std::vector<config::App>& configured) {
  FormerEnd::Subject subject = former_subject(configured);
  const auto self = base::read_process_entry(::getpid());
  subject.kept = [this, since = self ? self->started : 0] { return kept(since); };
  former_ = std::make_unique<FormerEnd>(around_.log, std::move(subject));
  former_timer_.start(base::Millis(1));
}

// What runs has its own end, and so have its descendants and orphans. Of an instance that this daemon has
// started, since `since`, the process may not be known yet; and what a former one of its name left is not
// its.
Kept World::kept(std::uint64_t since) const {
  Kept kept;
  for (const pid_t stray : strays_.pids()) kept.children.insert(stray);
  for (const auto& [who, run] : runs_.all()) {
    if (run->pid() != base::Pid()) kept.children.insert(run->pid().value());
    const bool reattached = run->started() != 0 && run->started() < since;
    kept.living.insert_or_assign({run->spec()->app.name, routing::instance_name(who)},
                                 reattached ? 0 : since);
  }
  return kept;
}

void World::advance_former() {
  if (const auto pause = former_->step()) {
    former_timer_.start(*pause);
  } else {
    former_.reset();
    clear_cgroups();
  }
}

void World::reattach(const Identity& who, const spec::SpecRef& spec, KeptChild child) {
  auto lease = leases_.lease_again(who, *spec, child.endpoint);
  if (!lease) {
    end_stray(std::move(child), spec->app.stop, lease.error().what);
    return;
  }
  output(who).begin(who, spec->app.log);
  RunObserver& observer = *this;  // private inheritance: only visible from inside
  Run& run =
      runs_.add(std::make_unique<Run>(who, spec, lease->address, around_.workers, observer, output(who)));
  record_stale_ = true;
  inspect::ProcessMarks marks{around_.state_id, child.app, routing::instance_name(who)};
  find_cgroup(child);
  run.reattach(process_surroundings(), std::move(child.process), std::move(marks));
}

void World::end_stray(KeptChild child, const config::Stop& stop, const std::string& why) {
  if (held_back_) {
    // Functions that are copied cannot own a process.
    auto shared = std::make_shared<KeptChild>(std::move(child));
    held_back_->emplace_back([this, shared, stop, why] { end_stray(std::move(*shared), stop, why); });
    return;
  }
  inspect::ProcessMarks marks{around_.state_id, child.app,
                              fmt::format("{}.{}", child.generation.value(), child.slot.value())};
  find_cgroup(child);
  strays_.end(std::move(child), stop, std::move(marks), why);
}

bool World::running(const Identity& who) const {
  const Run* run = runs_.find(who);
  return run != nullptr && run->running();
}

void World::forget(const spec::AppState& state, std::function<void(const base::Expected<void>&)> done) {
  around_.writer.replace(spec::state_path(around_.state_dir, state.app), to_text(state), std::move(done));
  drop_slots(state.app);
}

void World::remember(base::AppId app, const std::shared_ptr<decide::Report>& report) {
  if (holds_back([this, app, report] { remember(app, report); })) return;
  // A start at boot is no command: with each boot it would take the place of one.
  if (!report->command().verb.empty()) keep(apps_.at(app).history, report);
}

void World::keep_slots() {
  for (auto& [id, holdings] : apps_) {
    const decide::App* app = around_.find_app(id);
    if (app == nullptr || holdings.slots_kept == app->changes()) continue;
    if (slots_.keep(app->slots())) holdings.slots_kept = app->changes();
  }
}

bool World::keep_record() {
  if (!std::exchange(record_stale_, false)) return false;
  record_pace_.ask();
  return true;
}

void World::write_record() {
  spec::ProcessRecord record{knowledge_.boot_id(), {}};
  for (const auto& [who, run] : runs_.all()) {
    if (run->pid() == base::Pid() || run->gone()) continue;
    record.processes.push_back({run->spec()->app.name, routing::instance_name(who), run->pid().value(),
                                run->started(), run->spec()->app.stop});
  }
  // Its answer may come when this is no more.
  around_.writer.replace(spec::record_path(around_.state_dir), to_text(record),
                         [log = &around_.log, failed = record_failed_](const base::Expected<void>& written) {
                           if (!written && !*failed)
                             log->error("record of=processes cause=\"{}\"",
                                        base::quotable(written.error().what));
                           *failed = !written;
                         });
}

observe::Watched World::main_processes() const {
  observe::Watched processes;
  for (const auto& [who, run] : runs_.all()) {
    if (run->pid() != base::Pid() && !run->gone()) processes.insert({run->pid().value(), run->started()});
  }
  return processes;
}

}  // namespace gracevisor::supervise
