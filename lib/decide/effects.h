// What the deciders (Instance, Generation, Deploy, App) ask of the world: Effects are what it must do,
// Knowledge is what it already knows and answers at once. The World carries the effects out; tests record
// them and drive a manual clock. Nothing here answers immediately with an event: results come later, through
// the deciders' on_... functions, after the current batch of events. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/boot_clock.h"
#include "base/clock.h"
#include "base/strong.h"
#include "config/config.h"
#include "decide/counts.h"
#include "decide/fact.h"
#include "decide/report.h"
#include "decide/start_limit.h"
#include "decide/whereabouts.h"
#include "routing/endpoint.h"
#include "spec/spec.h"
#include "spec/state_file.h"

namespace gracevisor::decide {

using routing::Identity;

enum class InstanceTimer : std::uint8_t {
  restart,         // the back-off is over
  start_timeout,   // it should be healthy by now
  start_place,     // others may start beside it, whether or not it is healthy
  settle,          // an app without endpoint has run long enough to count as healthy
  drain_deadline,  // cut everything still under way at the endpoint
  closing_grace,   // closing has had its time; signal now
  stop_step,       // the next rung of the stop ladder
};

enum class AppTimer : std::uint8_t {
  deploy_timeout,  // all instances should be healthy by now
  guard,           // the guard is over
  adoption,        // every worker should have adopted the cutover by now
  start_timeout,   // a command that waits for a start gets its answer now
  record,          // retry a state record that could not be written, or note that the disk does not answer
};

class Effects {
 public:
  virtual ~Effects() = default;

  // How many start at a time, over all apps (start_limit.h). ask_start: may an instance begin to start? If
  // not yet, App::on_may_start() follows; asking again changes the urgency. count_start: it is starting, and
  // was not asked for. end_start: it no longer starts, or no longer wants to.
  [[nodiscard]] virtual bool ask_start(const Identity& who, Urgency urgency) = 0;
  virtual void count_start(const Identity& who) = 0;
  virtual void end_start(const Identity& who) = 0;

  // Processes. spawn: leases a port or a socket and starts the program; spawn::Running or spawn::Ended
  // follows.
  virtual void spawn(const Identity& who, const spec::SpecRef& spec) = 0;
  virtual void signal(const Identity& who, int number, config::Stop::Scope scope) = 0;
  // An operator's signal: it asks for no end, and changes nothing else.
  virtual void pass_signal(const Identity& who, int number, config::Stop::Scope scope) = 0;
  virtual void kill_tree(const Identity& who) = 0;

  // Timers: one of each kind per identity or app. Arming one again replaces it; a disarmed one never fires.
  virtual void arm(const Identity& who, InstanceTimer timer, base::Duration after) = 0;
  virtual void disarm(const Identity& who, InstanceTimer timer) = 0;
  virtual void arm(base::AppId app, AppTimer timer, base::Duration after) = 0;
  virtual void disarm(base::AppId app, AppTimer timer) = 0;

  // The proxy. publish: the desired state changed; it goes out once at the end of this turn, in the table
  // whose epoch is returned. App::on_adopted(epoch) follows once every worker has it.
  virtual base::Epoch publish() = 0;
  // Cuts everything still under way at its endpoint, from the next table on, until a table lists the endpoint
  // as a target again.
  virtual void close_endpoint(const Identity& who) = 0;
  // A new window for the slowest values in AppCounts begins with the next table.
  virtual void open_window(base::AppId app) = 0;

  // The state file. App::on_recorded(serial, …) follows.
  virtual void record(base::AppId app, const spec::AppState& state, std::uint64_t serial) = 0;

  // The app's history keeps the report once it is finished.
  virtual void remember(base::AppId app, const std::shared_ptr<Report>& report) = 0;

  // Logs the fact and hands it to its other readers, if any; what only the kernel knows is filled in first.
  // `receipt`: gets the fact's receipt line, if it has one; null: no receipt.
  virtual void tell(Fact fact, Report* receipt) = 0;
  void tell(Fact fact);
};

class Knowledge {
 public:
  virtual ~Knowledge() = default;

  [[nodiscard]] virtual base::TimePoint now() const = 0;  // monotonic
  // For records: an instant that the next daemon understands, too, if it is of the same boot. See
  // spec::boot_id().
  [[nodiscard]] virtual base::BootTime boot_time() const = 0;
  [[nodiscard]] virtual const std::string& boot_id() const = 0;
  [[nodiscard]] virtual EndpointCounts counts(const Identity& who) const = 0;
  [[nodiscard]] virtual AppCounts counts(base::AppId app) const = 0;
  [[nodiscard]] virtual Whereabouts place(const Identity& who) const = 0;
  // The last lines that this incarnation wrote.
  [[nodiscard]] virtual std::vector<std::string> last_output(const Identity& who,
                                                             std::size_t lines) const = 0;
  // The numbers of the workers that have not adopted the newest table.
  [[nodiscard]] virtual std::vector<std::size_t> late_workers() const = 0;
};

// What a decider is given; both outlive it.
struct Surroundings {
  Effects& effects;
  const Knowledge& knowledge;
};

}  // namespace gracevisor::decide
