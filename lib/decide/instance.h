// The child process in a slot, through all its incarnations: a decider, which only asks Effects to act.
//
//   stopped --start--> spawning --running--> starting --passes--> healthy <--probes--> unhealthy
//      ^   (queued)       |exit                 |exit                |exit
//      |                  v                     v                    v
//      |      [candidate: stopped]    [live: RestartPolicy -> backoff, fatal --due--> spawning | stopped]
//      |
//      |   leave: healthy, unhealthy -> draining --quiescent--> drained --released--> stopping
//      |                                   |deadline                                    |ladder done
//      |                                   v                                            v
//      |                                closing --quiescent or grace--> drained      killing
//      +------------------------------- gone --------------------------------------------+
//
// queued: it waits until it may start (start_limit.h); so does each spawn below. A live one that is not
// healthy within deploy.timeout from its spawn is stopped, which the RestartPolicy judges as it does an exit.
// Of a candidate its deploy watches the time.
//
// stopping and killing last until the whole process tree has ended, not just its main process: until then no
// other incarnation begins in the slot. The exception is processes that nothing will end (unkillable, or left
// alone as stop.leftover says): the instance does not wait for them.
//
// One that a former daemon started comes in by reattach(), in the state from which its way goes on:
//
//   of a live generation:    spawning | starting | healthy (without endpoint) | unhealthy (unproven) |
//                            stopping, to be replaced | backoff, stopped, fatal (its exit was judged already)
//   kept ready in a guard:   drained | stopping (it had never served, or was being replaced)
//   of any other generation: stopping
//
// Nobody holds a lease of it, so nothing drains. Unproven: it was healthy, and this daemon has not heard of
// it so far: it serves from its first passing probe on (or from trust() on), and is judged like any healthy
// one from then on. A slot in which no process was found comes in by resume(): backoff, stopped, fatal, or
// spawning.
//
// From closing or killing onwards, everything still under way at its endpoint is cut. replace() sends a live
// instance through the states of a leaving one, but at the end it enters backoff. A candidate is not
// restarted: its exit is the deploy's business. A live instance is restarted from its generation's spec. A
// leaving one is no target: it ends, or comes back through reinstate() as long as it has not been signalled.
// Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "decide/effects.h"
#include "decide/instance_state.h"
#include "decide/probed.h"
#include "decide/restart_policy.h"
#include "spawn/process_event.h"
#include "spec/slots_record.h"

namespace gracevisor::decide {

// How what runs is brought to its end.
enum class Haste : std::uint8_t {
  drain,   // it finishes its requests first
  signal,  // the stop ladder at once
  kill,    // SIGKILL to the whole tree
};

// The role of the instance's generation in the app.
enum class Role : std::uint8_t { candidate, live, leaving };

// A process that a former daemon started, and that may have ended since.
struct FoundChild {
  Identity who;
  base::BootTime started = {};
  bool running = false;  // its program has begun; false: that is not known
};

// What becomes of a generation that a former daemon started.
enum class Lot : std::uint8_t {
  serve,   // it is the live one
  wait,    // kept ready for a cut-back
  finish,  // it ends
};

class Instance {
 public:
  Instance(Identity first, spec::SpecRef spec, Role role, const Surroundings& around);

  // Instead of start(), once: takes over the process that was found in its slot (see above). `slot`: what is
  // recorded of the slot; null: nothing. `was_healthy`: so it is if its record does not tell.
  void reattach(const FoundChild& found, const spec::SlotRecord* slot, Lot lot, bool was_healthy);
  // The same for a slot in which none was found: its back-off goes on, or a new one begins that is over at
  // once. Requires: its generation is live.
  void resume(const spec::SlotRecord* slot);
  // If it is unproven: it counts as healthy until its probes say otherwise.
  void trust();

  // Commands. Each is idempotent, and does nothing if the state leaves nothing to do.
  void start(Urgency urgency = Urgency::soon);
  // Its turn has come. False: it no longer waits for it.
  [[nodiscard]] bool on_may_start();
  // An operator starts it again: its failures so far no longer count.
  void forget_failures() { policy_.forget(); }
  void set_role(Role role) { role_ = role; }
  // Its generation's settings have changed, but for what its process was started with. What is under way goes
  // on as it began; timers that run keep their time.
  void adjust(spec::SpecRef spec);
  // Leaving, and wanted again: serves if it waits(), otherwise starts anew as soon as it has ended.
  void come_back();
  // Takes it out of the routes and drains it for at most `deadline`; then it stops, but if `parked` not
  // before release().
  void leave(base::Duration deadline, bool parked);
  void release();
  // A leaving instance becomes a live one again; if it waits(), it serves.
  void reinstate();
  void stop();      // the stop ladder, at once
  void stop_now();  // SIGKILL to the whole tree
  // The same, but a live one is started anew in its slot after the back-off; a candidate's end is its
  // deploy's business, as after a crash. `why` is for the log. False: it has no process.
  bool kill(std::string_view why);
  // Takes it out of the routes until its probes pass again. For when its probes fail and other instances
  // serve.
  void unroute();
  // Drains it, stops it, and starts it anew in its slot. `cause` is for the log.
  void replace(std::string_view cause);

  // Events of the current incarnation; the caller drops those of earlier ones.
  // `owner`: who listens at its address; set if needs_owner(event).
  void on(const spawn::ProcessEvent& event, const std::optional<ListenerOwner>& owner = {});
  void on(const Probed& probed);
  void on_quiescent();
  void on_timer(InstanceTimer timer);

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] const spec::SpecRef& spec() const { return spec_; }
  [[nodiscard]] InstanceState state() const { return state_; }
  [[nodiscard]] Role role() const { return role_; }
  // The tables list it as a target while its generation is the live one.
  [[nodiscard]] bool routable() const { return state_ == InstanceState::healthy; }
  // Reattached, was healthy, and not yet seen so by this daemon.
  [[nodiscard]] bool unproven() const { return unproven_ && state_ == InstanceState::unhealthy; }
  // It has failed unhealthy_after probes in a row, and has not been found healthy since.
  [[nodiscard]] bool failing() const { return failing_; }
  // On its way out, but not signalled and not being replaced: it could serve again.
  [[nodiscard]] bool waits() const;
  // The consequence of the event depends on who listens at its address now. While it starts, a passed probe
  // is no success if a stranger answered, and an exit is no failure if a stranger holds its port.
  [[nodiscard]] bool needs_owner(const routing::ProbeReport& report) const;
  [[nodiscard]] bool needs_owner(const spawn::ProcessEvent& event) const;
  // It waits for its turn to start, or has begun and is not healthy yet.
  [[nodiscard]] bool coming_up() const { return is_coming_up(state_); }
  [[nodiscard]] bool queued() const { return state_ == InstanceState::queued; }
  // Since when its newest start has been under way; it may be over.
  [[nodiscard]] base::TimePoint start_began() const { return start_began_; }
  // Some process of the current incarnation may exist.
  [[nodiscard]] bool alive() const { return alive_; }
  // Its endpoint is to be probed.
  [[nodiscard]] bool probed() const;
  // It was not healthy in time, and is being ended for that.
  [[nodiscard]] bool late() const { return late_.has_value(); }
  // It has exited, was not asked to, and is not about to be started again at once.
  [[nodiscard]] bool failed() const;
  // It is stopped or fatal, and no process is left, except perhaps ones that nothing will end (see above).
  [[nodiscard]] bool ended() const;
  // When an incarnation is to be expected: now while one boots or is being replaced; at the back-off's end;
  // or never.
  [[nodiscard]] std::optional<base::TimePoint> due() const;
  // When one that was given up is tried again: nobody waits for it.
  [[nodiscard]] std::optional<base::TimePoint> tried_again() const;

  [[nodiscard]] const std::optional<spawn::ExitStatus>& last_exit() const { return last_exit_; }
  // Of what its last incarnation wrote before it exited by itself, the line that tells why; empty: nothing.
  [[nodiscard]] const std::string& last_words() const { return last_words_; }
  [[nodiscard]] base::TimePoint since() const { return since_; }  // of the state
  [[nodiscard]] base::TimePoint spawned_at() const { return spawned_at_; }
  // Of the newest incarnation: until its exit, if it has exited, or until `now`.
  [[nodiscard]] base::Duration lived(base::TimePoint now) const;
  // Set if it did not end when it was asked to: how long it was waited for before it was killed.
  [[nodiscard]] const std::optional<base::Duration>& killed_after() const { return killed_after_; }
  [[nodiscard]] unsigned restarts() const { return restarts_; }
  // Nothing ends its processes: they are stuck in the kernel, and were given up.
  [[nodiscard]] bool unkillable() const { return unkillable_; }
  [[nodiscard]] bool crash_looping() const { return policy_.crash_looping(); }
  [[nodiscard]] unsigned failures_in_a_row() const { return policy_.failures_in_a_row(); }
  [[nodiscard]] const routing::ProbeReport& probe() const { return probe_; }
  // For the next daemon; unset: nothing is wanted in its slot.
  [[nodiscard]] std::optional<spec::SlotRecord> record() const;
  // Why it is not healthy yet, as far as the probes show: "GET /up -> refused, 14 tries; …".
  [[nodiscard]] std::string probe_text() const;

 private:
  void take(const spawn::Running& running);
  void take(const spawn::Ended& ended, const std::optional<ListenerOwner>& owner);
  void take(const spawn::Left& left);
  void take(const spawn::Gone& gone);
  void take(const spawn::Unkillable& unkillable);
  void enter(InstanceState state);
  void tell(Fact::What what) const;
  [[nodiscard]] bool told_to_stop() const {
    return state_ == InstanceState::stopping || state_ == InstanceState::killing;
  }
  [[nodiscard]] static bool is_coming_up(InstanceState state) {
    return state == InstanceState::queued || state == InstanceState::spawning ||
           state == InstanceState::starting;
  }
  void spawn_when_gone();
  void ask_to_start();
  void watch_start(base::Duration left);
  void give_up_start();
  void spawn();
  void become_healthy();
  void end_drain();
  void disarm_drain();
  void begin_stop();
  void climb();  // the next rung of the stop ladder
  void kill_tree();
  void end_stop();
  void end_tree();
  [[nodiscard]] bool move_to_another_port(const std::string& cause);
  void restart_or_rest(const spawn::ExitStatus& status);
  void restart_after(base::Duration delay);
  void restart_at(base::Duration from_now);
  // `retry` 0: until an operator starts it.
  void give_up(base::Duration retry);
  void give_up_again(const spec::SlotRecord& slot);
  void serve_on(const FoundChild& found, spec::SlotState state);
  void settle_on();
  [[nodiscard]] bool rest_of_judged(const spec::SlotRecord& slot);
  [[nodiscard]] bool has_endpoint() const { return config::is_routed(spec_->app.endpoint); }

  Identity identity_;
  spec::SpecRef spec_;
  Role role_;
  Effects& effects_;
  const Knowledge& knowledge_;
  RestartPolicy policy_;
  InstanceState state_ = InstanceState::stopped;
  base::TimePoint since_{};
  base::TimePoint spawned_at_{};
  base::TimePoint start_began_{};  // spawned_at_, but for moves to another port
  Urgency urgency_ = Urgency::soon;
  std::optional<base::TimePoint> healthy_since_;
  base::TimePoint restart_at_{};      // states backoff, fatal (0: never)
  base::BootTime restart_at_boot_{};  // the same, for the record
  std::size_t rung_ = 0;              // state stopping: the rung of the ladder
  bool parked_ = false;               // leaving: not to be signalled before release()
  bool alive_ = false;                // some process of the incarnation may exist
  bool unkillable_ = false;
  bool overdue_ = false;      // state backoff: its time is over, but the former incarnation still exists
  bool unproven_ = false;     // state unhealthy: see unproven()
  bool judged_ = false;       // a former daemon knew of its exit, which will be told once more
  bool moving_ = false;       // state killing: then started at once on another port
  unsigned ports_tried_ = 0;  // how often another process turned out to hold its port
  bool failing_ = false;
  std::optional<base::Millis> late_;  // stops because it was not healthy in that time
  bool replacing_ = false;            // stops in order to be started again
  unsigned restarts_ = 0;
  std::optional<spawn::ExitStatus> last_exit_;
  std::string last_words_;
  std::optional<base::Duration> killed_after_;
  routing::ProbeReport probe_;
  std::string owner_detail_;
};

}  // namespace gracevisor::decide
