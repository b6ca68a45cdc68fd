#include "keeper.h"
#include "log.h"

namespace gracevisor::keeper {
namespace {

// From SIGKILL until the keeper no longer waits: what is left is beyond any signal.
constexpr Millis kUnkillable{10'000};

}  // namespace

// A second one means "now": the owner knows that itself.
void Keeper::ask_to_stop(int number) {
  asked_ = true;
  if (ending_) {
    if (!killed_) kill_all();
  } else if (owner_ != nullptr) {
    (void)::kill(owner_->pid, number);
  } else {
    start_to_stop();
  }
}

// Its daemon is gone for good. Whoever is left gets as long as the last daemon said.
void Keeper::end_all(int status) {
  ending_ = true;
  status_ = status;
  if (children_.living() != 0) {
    say("%u children are left: they are ended", children_.living());
    children_.signal_groups(SIGTERM);
  }
  if (successor_ != nullptr) end_successor();
  if (predecessor_ != nullptr) (void)::kill(predecessor_->pid, SIGTERM);
  alarms_.set(Alarm::ending, shutdown_timeout_);
  look_for_end();
}

void Keeper::kill_all() {
  if (killed_) {
    say("%u children outlive SIGKILL: they are left alone", children_.living());
    done_ = true;
    return;
  }
  killed_ = true;
  children_.signal_groups(SIGKILL);
  for (const Peer& peer : peers_) {
    if (peer.used()) (void)::kill(peer.pid, SIGKILL);
  }
  alarms_.set(Alarm::ending, kUnkillable);
}

void Keeper::look_for_end() {
  if (!ending_ || children_.living() != 0) return;
  for (const Peer& peer : peers_) {
    if (peer.used()) return;
  }
  // Zombies pin their numbers: what else is in their groups is still what they left.
  children_.signal_groups(SIGKILL);
  done_ = true;
}

}  // namespace gracevisor::keeper
