// All instances of one deploy of one app, started from one frozen spec. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "decide/instance.h"

namespace gracevisor::decide {

class Generation {
 public:
  // The generation's number is new; its incarnations count from 1.
  Generation(base::AppId app, base::GenerationId id, spec::SpecRef spec, Role role,
             const Surroundings& around);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Instead of start(), once: what a former daemon left of it. `children`: at most one for each slot;
  // `slots`: null: nothing is recorded; `were_healthy`: see Instance::reattach().
  void reattach(const std::vector<FoundChild>& children, const spec::SlotsRecord* slots, Lot lot,
                bool were_healthy);

  // Commands, each to every instance.
  void start(Urgency urgency);  // earlier failures are forgotten
  void set_role(Role role);
  void leave(bool parked);  // drains for at most the spec's drain_timeout; see Instance::leave()
  void release();
  void reinstate();
  void stop();
  void stop_now();
  // Takes over settings that differ only in what needs no deploy. If it is the live one, further instances
  // start; surplus ones leave by shed_surplus().
  void adjust(spec::SpecRef spec);
  // Surplus instances of the live one drain and stop, but not the last that serves; those that have ended are
  // forgotten.
  void shed_surplus();

  // The instance that `who` names, if it belongs to this generation and `who` is its current incarnation.
  [[nodiscard]] Instance* find(const Identity& who);
  // Takes instances that fail their probes out of the routes, or replaces them, as health.action says. The
  // last routable one stays in the routes, unless it is to be replaced and no other instance is coming up.
  void unroute_failing();

  [[nodiscard]] base::GenerationId id() const { return id_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  // In the order of their slots; surplus ones too, as long as they drain or stop.
  [[nodiscard]] const std::vector<std::unique_ptr<Instance>>& instances() const { return instances_; }
  // How many there should be.
  [[nodiscard]] std::size_t wanted() const { return spec_->app.instances; }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] std::size_t healthy() const;
  [[nodiscard]] bool all_healthy() const;
  // Could an instance that waits() serve again?
  [[nodiscard]] bool can_come_back() const;
  // Is every instance drained, or beyond the need to drain?
  [[nodiscard]] bool drained() const;
  [[nodiscard]] bool ended() const;
  // How many wait for their turn to start.
  [[nodiscard]] std::size_t queued() const;
  // The first instance that ended without being asked to, although it should be running; `beside`: slots that
  // do not count.
  [[nodiscard]] const Instance* first_failure(const std::set<base::Slot>& beside = {}) const;
  // The slots whose instances should be running and are not healthy.
  [[nodiscard]] std::set<base::Slot> unwell() const;
  // The earliest of the instances' Instance::due() times (now while one boots); unset when none is coming.
  [[nodiscard]] std::optional<base::TimePoint> due() const;
  // "web@43"
  [[nodiscard]] std::string name() const;

 private:
  using Instances = std::span<const std::unique_ptr<Instance>>;
  // Slots are filled without a gap: those that should be there come first, then the surplus.
  [[nodiscard]] Instances in_wanted_slots() const;
  [[nodiscard]] Instances surplus() const;
  void fill_slots(std::size_t until);

  base::AppId app_;
  base::GenerationId id_;
  spec::SpecRef spec_;
  Role role_;
  Surroundings around_;
  std::vector<std::unique_ptr<Instance>> instances_;
  // The last incarnation in each slot that was forgotten: something of it may be left.
  std::map<base::Slot, base::Incarnation> forgotten_;
};

}  // namespace gracevisor::decide
