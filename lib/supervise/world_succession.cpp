// The world while two daemons live: one of them acts on it and reads what the apps write.
#include <utility>

#include "supervise/instance_name.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

using process::OutputStream;

void World::hold_back() {
  held_back_.emplace();
  reading_ = false;
  for (auto& [id, holdings] : apps_) holdings.output->pause();
}

bool World::holds_back(std::function<void()> action) {
  if (held_back_) held_back_->push_back(std::move(action));
  return held_back_.has_value();
}

void World::let_go() {
  if (!held_back_) return;
  const std::vector<std::function<void()>> actions = std::move(*held_back_);
  held_back_.reset();
  for (const auto& action : actions) action();
}

void World::read_on(const std::vector<succession::OutputRead::Rest>& unfinished) {
  if (std::exchange(reading_, true)) return;
  for (auto& [id, holdings] : apps_) holdings.output->go_on();
  for (const auto& [who, run] : runs_.all()) {
    const succession::InstanceName name = instance_name(run->spec()->app.name, run->identity());
    for (const succession::OutputRead::Rest& rest : unfinished) {
      if (rest.instance != name) continue;
      output(who).take_on(who, OutputStream::out, {rest.out, rest.out_goes_on});
      output(who).take_on(who, OutputStream::err, {rest.err, rest.err_goes_on});
    }
    run->resume_output();
  }
}

std::vector<succession::OutputRead::Rest> World::stop_reading() {
  std::vector<succession::OutputRead::Rest> rests;
  reading_ = false;
  for (const auto& [who, run] : runs_.all()) {
    run->drain_output();
    auto out = output(who).take_unfinished(who, OutputStream::out);
    auto err = output(who).take_unfinished(who, OutputStream::err);
    if (out.line.empty() && err.line.empty() && !out.goes_on && !err.goes_on) continue;
    rests.push_back({instance_name(run->spec()->app.name, who), std::move(out.line), std::move(err.line),
                     out.goes_on, err.goes_on});
  }
  for (auto& [id, holdings] : apps_) holdings.output->pause();
  return rests;
}

void World::abandon() {
  former_timer_.stop();
  former_.reset();
  strays_.abandon();
  record_pace_.forget();
  for (const auto& [who, run] : runs_.all()) run->abandon();
}

void World::when_written(std::function<void()> done) {
  record_pace_.hurry();
  // Files are read back behind what was appended to them.
  (void)around_.writer.read({}, [done = std::move(done)](const output::LogRead& /*nothing*/) { done(); });
}

}  // namespace gracevisor::supervise
