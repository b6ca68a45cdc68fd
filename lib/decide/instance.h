// The child process in a slot, through all its incarnations: a decider, which only asks Effects to act.
//
//   stopped --start--> spawning --running--> starting --passes--> healthy <--probes--> unhealthy
//      ^                  |exit                 |exit                |exit
//      |                  v                     v                    v
//      |      [candidate: stopped]    [live: RestartPolicy -> backoff --due--> spawning | stopped | fatal]
//      |
//      |   leave: healthy, unhealthy -> draining --quiescent--> drained --released--> stopping
//      |                                   |deadline                                    |ladder done
//      |                                   v                                            v
//      |                                closing --quiescent or grace--> drained      killing
//      +------------------------------- gone --------------------------------------------+
//
// stopping and killing end with the whole process tree, not with its main process: until then no other
// incarnation begins in the slot. Only processes that nothing will end (unkillable, or left as stop.leftover
// says) are not waited for.
//
// From closing or killing onwards, what is still under way at its endpoint is cut. replace() sends a live
// instance through the states of a leaving one, but its end leads to backoff. A candidate is not restarted:
// its exit is the deploy's business. A live instance is restarted, from its generation's spec. A leaving one
// is no target: it ends, or comes back through reinstate() as long as it has not been signalled. Thread: the
// supervisor's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "decide/effects.h"
#include "decide/instance_state.h"
#include "decide/restart_policy.h"
#include "routing/probe.h"
#include "spawn/process_event.h"

namespace gracevisor::decide {

// What its generation is to the app.
enum class Role : std::uint8_t { candidate, live, leaving };

class Instance {
 public:
  Instance(Identity first, spec::SpecRef spec, Role role, Effects& effects);

  // Commands. Each is idempotent, and does nothing if the state leaves nothing to do.
  void start();
  // An operator starts it again: its failures so far no longer count.
  void forget_failures() { policy_.forget(); }
  void set_role(Role role) { role_ = role; }
  // Out of the routes: drains until `deadline` from now; then stops, but not before release() when `parked`.
  void leave(base::Duration deadline, bool parked);
  void release();
  // A leaving instance becomes a live one again; if it waits(), it serves.
  void reinstate();
  void stop();      // the stop ladder, at once
  void stop_now();  // SIGKILL to the whole tree
  // Its probes fail, and other instances serve: out of the routes until its probes pass again.
  void unroute();
  // Drained, stopped, and started anew in its slot. `cause` is for the log.
  void replace(std::string_view cause);

  // Events of the current incarnation; the caller drops those of earlier ones.
  void on(const spawn::ProcessEvent& event);
  void on_probe(const routing::ProbeReport& report);
  void on_quiescent();
  void on_timer(InstanceTimer timer);

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  [[nodiscard]] InstanceState state() const { return state_; }
  [[nodiscard]] Role role() const { return role_; }
  // Listed as a target of its generation while that is the live one.
  [[nodiscard]] bool routable() const { return state_ == InstanceState::healthy; }
  // Has failed unhealthy_after probes, and has not been found healthy since.
  [[nodiscard]] bool failing() const { return failing_; }
  // On its way out, but unsignalled: it could serve again.
  [[nodiscard]] bool waits() const;
  // Its endpoint is to be probed.
  [[nodiscard]] bool probed() const;
  // No process is left, except perhaps an unkillable one, which is given up.
  [[nodiscard]] bool ended() const;
  // When the next incarnation is to be expected: now while one boots, the back-off's end, or never.
  [[nodiscard]] std::optional<base::TimePoint> due() const;

  [[nodiscard]] const std::optional<spawn::ExitStatus>& last_exit() const { return last_exit_; }
  [[nodiscard]] base::TimePoint since() const { return since_; }  // of the state
  [[nodiscard]] base::TimePoint spawned_at() const { return spawned_at_; }
  [[nodiscard]] unsigned restarts() const { return restarts_; }
  [[nodiscard]] bool crash_looping() const { return policy_.crash_looping(); }
  [[nodiscard]] unsigned failures_in_a_row() const { return policy_.failures_in_a_row(); }
  [[nodiscard]] const routing::ProbeReport& probe() const { return probe_; }
  // Why it is not healthy yet, as far as the probes show: "GET /up -> refused, 14 tries; …".
  [[nodiscard]] std::string probe_text() const;

 private:
  void take(const spawn::Running& running);
  void take(const spawn::Ended& ended);
  void take(const spawn::Left& left);
  void take(const spawn::Gone& gone);
  void take(const spawn::Unkillable& unkillable);
  void enter(InstanceState state);
  void tell(Fact::What what) const;
  void spawn_when_gone();
  void spawn();
  void become_healthy();
  void end_drain();
  void begin_stop();
  void climb();  // the next rung of the stop ladder
  void kill();
  void end_stop();
  void end_tree();
  [[nodiscard]] bool move_to_another_port(const std::string& cause);
  [[nodiscard]] bool lost_its_port(const spawn::ExitStatus& status);
  void restart_or_rest(const spawn::ExitStatus& status);
  void restart_after(base::Duration delay);
  [[nodiscard]] bool has_endpoint() const { return config::is_routed(spec_->app.endpoint); }

  Identity identity_;
  spec::SpecRef spec_;
  Role role_;
  Effects& effects_;
  RestartPolicy policy_;
  InstanceState state_ = InstanceState::stopped;
  base::TimePoint since_{};
  base::TimePoint spawned_at_{};
  std::optional<base::TimePoint> healthy_since_;
  base::TimePoint restart_at_{};  // state backoff
  std::size_t rung_ = 0;          // state stopping: the rung of the ladder
  bool parked_ = false;           // leaving: not to be signalled before release()
  bool alive_ = false;            // some process of the incarnation may exist
  bool overdue_ = false;          // state backoff: its time is over, but the former incarnation still exists
  bool moving_ = false;           // state killing: then started at once on another port
  unsigned ports_tried_ = 0;      // how often its port turned out to be another process's
  bool failing_ = false;
  bool replacing_ = false;  // stops in order to be started again
  unsigned restarts_ = 0;
  std::optional<spawn::ExitStatus> last_exit_;
  routing::ProbeReport probe_;
  std::string owner_detail_;
};

}  // namespace gracevisor::decide
