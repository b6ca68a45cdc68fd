// What the deciders (Instance, Generation, Deploy, App) ask of the world. The Supervisor carries it out;
// tests record it and drive a manual clock. Nothing here answers immediately with an event: results come
// later, through the deciders' on_... functions, after the current batch of events. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strong.h"
#include "config/config.h"
#include "decide/counts.h"
#include "decide/fact.h"
#include "decide/ownership.h"
#include "routing/endpoint.h"
#include "spec/spec.h"
#include "spec/state_file.h"

namespace gracevisor::decide {

using routing::Identity;

enum class InstanceTimer : std::uint8_t {
  restart,         // the back-off is over
  settle,          // an app without endpoint has run long enough to count as healthy
  drain_deadline,  // what still runs on the endpoint is closed
  closing_grace,   // closing has had its time; signal now
  stop_step,       // the next rung of the stop ladder
};

enum class AppTimer : std::uint8_t {
  deploy_timeout,  // all instances should be healthy by now
  guard,           // the guard is over
  adoption,        // every worker should have adopted the cutover by now
  start_timeout,   // a command that waits for a start gets its answer now
  record,          // retry the state record that could not be written
};

class Effects {
 public:
  virtual ~Effects() = default;

  [[nodiscard]] virtual base::TimePoint now() const = 0;

  // Processes. spawn: a port or a socket is leased, the program started; spawn::Running or spawn::Ended
  // follows.
  virtual void spawn(const Identity& who, const spec::SpecRef& spec) = 0;
  virtual void signal(const Identity& who, int number, config::Stop::Scope scope) = 0;
  virtual void kill_tree(const Identity& who) = 0;

  // Timers: one per identity or app and kind; arming replaces, and a disarmed one never fires.
  virtual void arm(const Identity& who, InstanceTimer timer, base::Duration after) = 0;
  virtual void disarm(const Identity& who, InstanceTimer timer) = 0;
  virtual void arm(base::AppId app, AppTimer timer, base::Duration after) = 0;
  virtual void disarm(base::AppId app, AppTimer timer) = 0;

  // The proxy. publish: the desired state changed; it goes out once at the end of this turn, in the table
  // whose epoch is returned. App::on_adopted(epoch) follows once every worker has it.
  virtual base::Epoch publish() = 0;
  // What is still under way at its endpoint is cut, from the next table until one lists the endpoint as a
  // target again.
  virtual void close_endpoint(const Identity& who) = 0;
  // A new window for the slowest values in AppCounts begins with the next table.
  virtual void open_window(base::AppId app) = 0;

  // The state file. App::on_recorded(serial, …) follows.
  virtual void record(base::AppId app, const spec::AppState& state, std::uint64_t serial) = 0;

  // Questions.
  [[nodiscard]] virtual ListenerOwner listener_owner(const Identity& who) = 0;
  [[nodiscard]] virtual EndpointCounts counts(const Identity& who) const = 0;
  [[nodiscard]] virtual AppCounts counts(base::AppId app) const = 0;
  [[nodiscard]] virtual std::string place(const Identity& who) const = 0;  // "pid 4711 :21004"
  // The last lines that this incarnation wrote.
  [[nodiscard]] virtual std::vector<std::string> last_output(const Identity& who,
                                                             std::size_t lines) const = 0;

  // The numbers of the workers that have not adopted the newest table.
  [[nodiscard]] virtual std::vector<std::size_t> late_workers() const = 0;

  // It is logged, and told to whoever else wants to know.
  virtual void tell(const Fact& fact) = 0;
};

}  // namespace gracevisor::decide
