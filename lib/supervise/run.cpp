#include "supervise/run.h"

#include "config/difference.h"

namespace gracevisor::supervise {
namespace {

process::Whom whom(config::Stop::Scope scope) {
  return scope == config::Stop::Scope::main ? process::Whom::main : process::Whom::group;
}

process::EndRules end_rules(const config::Stop& stop) {
  return {whom(stop.scope), stop.leftover == config::Stop::Leftover::leave ? process::Leftovers::leave
                                                                           : process::Leftovers::kill};
}

}  // namespace

Run::Run(Identity who, spec::SpecRef spec, const std::optional<base::Address>& address, std::size_t workers,
         RunObserver& observer, AppOutput& output)
    : identity_(who), spec_(std::move(spec)), observer_(observer), output_(output, who) {
  if (!address) return;
  endpoint_ = std::make_shared<const routing::Endpoint>(who, *address, workers);
  box_ = std::make_shared<routing::ProbeBox>();
  check_ = std::make_shared<const config::Health>(spec_->app.health);
}

process::ChildName Run::child_name() const {
  return {.app = spec_->app.name,
          .endpoint = endpoint_ ? endpoint_->address.text() : std::string(),
          .generation = identity_.generation.value(),
          .incarnation = identity_.incarnation.value(),
          .slot = identity_.slot.value()};
}

std::expected<void, spawn::SpawnFailed> Run::start(const process::ProcessSurroundings& around,
                                                   spawn::SpawnPlan plan) {
  process::ChildName name = child_name();
  if (around.cgroups != nullptr) plan.cgroup = around.cgroups->place_for(name);
  auto process =
      process::Process::start(around, plan, std::move(name), {*this, output_}, end_rules(spec_->app.stop));
  if (!process) return std::unexpected(process.error());
  process_ = std::move(*process);
  gone_ = false;
  return {};
}

void Run::reattach(const process::ProcessSurroundings& around, process::FoundChild found,
                   std::optional<inspect::ProcessMarks> marks) {
  process_ = process::Process::reattach(around, std::move(found), std::move(marks), {*this, output_},
                                        end_rules(spec_->app.stop));
  gone_ = false;
}

void Run::pass_signal(int number, config::Stop::Scope scope) {
  if (process_) process_->pass_signal(number, whom(scope));
}

void Run::signal(int number, config::Stop::Scope scope) {
  if (process_) process_->signal(number, whom(scope));
}

void Run::kill_tree() {
  if (process_) process_->kill_tree();
}

void Run::resume_output() {
  if (process_) process_->resume_output();
}

void Run::drain_output() {
  if (process_) process_->drain_output();
}

std::string Run::place() const {
  if (!endpoint_) return {};
  const base::Address& address = endpoint_->address;
  return address.is_unix() ? address.text() : ":" + std::to_string(address.port().value());
}

void Run::adjust(const spec::SpecRef& spec) {
  if (spec == spec_) return;
  const bool same_check = config::find_differences(spec_->app.health, spec->app.health).empty();
  spec_ = spec;
  if (process_) process_->set_end_rules(end_rules(spec_->app.stop));
  if (!endpoint_ || same_check) return;
  check_ = std::make_shared<const config::Health>(spec_->app.health);
  ++probe_serial_;
}

void Run::set_probe_interval(base::Duration interval) {
  if (probe_serial_ != 0 && interval == probe_interval_) return;
  ++probe_serial_;
  probe_interval_ = interval;
}

routing::ProbeOrder Run::probe_order() const {
  return {.endpoint = endpoint_,
          .serial = probe_serial_,
          .check = check_,
          .host = {},
          .interval = probe_interval_,
          .box = box_};
}

std::unique_ptr<routing::ProbeReport> Run::fetch_report() {
  if (!box_) return nullptr;
  auto report = box_->take();
  return report && report->serial == probe_serial_ ? std::move(report) : nullptr;
}

bool Run::released(const Publisher& publisher) const {
  return gone_ && (!endpoint_ || publisher.released(*endpoint_, listing_));
}

bool Run::over(const Publisher& publisher) const {
  return (gone_ || given_up_) && (!endpoint_ || publisher.released(*endpoint_, listing_));
}

void Run::on(const spawn::ProcessEvent& event) {
  if (const auto* left = std::get_if<spawn::Left>(&event)) {
    given_up_ = true;
    left_ = left->processes;
  } else if (std::holds_alternative<spawn::Unkillable>(event)) {
    given_up_ = true;
  } else if (std::holds_alternative<spawn::Gone>(event)) {
    gone_ = true;
    left_.clear();
  }
  observer_.on(identity_, event);
}

}  // namespace gracevisor::supervise
