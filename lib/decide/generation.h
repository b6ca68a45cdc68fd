// All instances of one deploy of one app, started from one frozen spec. Thread: the supervisor's.
#pragma once

#include <memory>
#include <vector>

#include "decide/instance.h"

namespace gracevisor::decide {

class Generation {
 public:
  // The generation's number is new; its incarnations count from 1.
  Generation(base::AppId app, base::GenerationId id, spec::SpecRef spec, Role role, Effects& effects);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Commands, each to every instance.
  void start();  // earlier failures are forgotten
  void set_role(Role role);
  void leave(bool parked);  // drains for the spec's drain_timeout, then stops
  void release();
  void reinstate();
  void stop();
  void stop_now();

  // The instance that `who` names, if it is of this generation and `who` is its current incarnation.
  [[nodiscard]] Instance* find(const Identity& who);
  // Takes instances that fail their probes out of the routes, or replaces them, as health.action says, but
  // never the last routable one while another may come up.
  void unroute_failing();

  [[nodiscard]] base::GenerationId id() const { return id_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Instance>>& instances() const { return instances_; }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] std::size_t healthy() const;
  [[nodiscard]] bool all_healthy() const { return healthy() == instances_.size(); }
  // Is every instance drained, or past needing it?
  [[nodiscard]] bool drained() const;
  [[nodiscard]] bool ended() const;
  // The first instance that ended without being asked to, while it should run.
  [[nodiscard]] const Instance* first_failure() const;
  // The earliest moment at which an instance may serve (now while one boots); unset when none is coming.
  [[nodiscard]] std::optional<base::TimePoint> due() const;
  // "web@43"
  [[nodiscard]] std::string name() const;

 private:
  base::GenerationId id_;
  spec::SpecRef spec_;
  Role role_;
  std::vector<std::unique_ptr<Instance>> instances_;
};

}  // namespace gracevisor::decide
