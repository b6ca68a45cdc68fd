#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "keeper.h"
#include "log.h"
#include "strangers.h"

namespace gracevisor::keeper {
namespace {

constexpr int kHeard[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

}  // namespace

int Keeper::run(const DaemonProgram& program) {
  program_ = program;
  if (!prepare() || !start_owner()) return 1;
  while (!done_) {
    for (Peer& peer : peers_) flush(peer);
    wait();
    on_alarms();
  }
  return status_;
}

bool Keeper::prepare() {
  (void)::sigemptyset(&waiting_signals_);
  if (!inherited_.take_over()) return false;
  sigset_t heard;
  (void)::sigemptyset(&heard);
  for (const int number : kHeard) (void)::sigaddset(&heard, number);
  signals_ = ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) {
    say("cannot hear signals: %s", std::strerror(errno));
    return false;
  }
  manager_.find();
  if (manager_.watchdog() != Millis(0)) alarms_.set(Alarm::systemd, manager_.watchdog());
  return true;
}

void Keeper::wait() {
  pollfd sources[4] = {{signals_, POLLIN, 0}};
  Peer* of[4] = {};
  nfds_t count = 1;
  for (Peer& peer : peers_) {
    if (peer.socket < 0) continue;
    const bool full = !paused_ && has_news(peer);
    of[count] = &peer;
    sources[count++] = {peer.socket, static_cast<short>((peer.answering ? 0 : POLLIN) | (full ? POLLOUT : 0)),
                        0};
  }
  if (::poll(sources, count, more_strangers_ ? 0 : alarms_.timeout(now())) < 0) return;
  if (sources[0].revents != 0) read_signals();
  if (more_strangers_) more_strangers_ = reap_strangers({&is_known, this});
  for (nfds_t i = 1; i < count; ++i) {
    if (sources[i].revents != 0) serve(*of[i]);
  }
}

// Each once at most: a storm of them must not keep the keeper from its daemons.
void Keeper::read_signals() {
  for (int i = 0; i < static_cast<int>(std::size(kHeard)); ++i) {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) != sizeof info) return;
    on_signal(static_cast<int>(info.ssi_signo));
  }
}

void Keeper::on_signal(int number) {
  switch (number) {
    case SIGCHLD: on_children(); return;
    case SIGTERM:
    case SIGINT:
    case SIGQUIT: ask_to_stop(number); return;
    default: pass_on(number);
  }
}

void Keeper::on_children() {
  children_.look();
  for (Peer& peer : peers_) {
    if (!peer.used()) continue;
    const Ending ending = look_at(peer.pid);
    if (ending.how != How::lives) on_end(peer, ending);
  }
  more_strangers_ = reap_strangers({&is_known, this});
  look_for_end();
}

bool Keeper::is_known(const void* keeper, pid_t pid) {
  const auto& self = *static_cast<const Keeper*>(keeper);
  for (const Peer& peer : self.peers_) {
    if (peer.pid == pid) return true;
  }
  return self.children_.find(pid) != nullptr;
}

void Keeper::on_alarms() {
  const Millis time = now();
  if (alarms_.take(Alarm::retry, time)) paused_ = false;
  if (alarms_.take(Alarm::systemd, time)) {
    (void)manager_.tell("WATCHDOG=1");
    alarms_.set(Alarm::systemd, manager_.watchdog());
  }
  if (alarms_.take(Alarm::silence, time)) abort_owner();
  if (alarms_.take(Alarm::kill_owner, time) && owner_ != nullptr) (void)::kill(owner_->pid, SIGKILL);
  if (alarms_.take(Alarm::successor, time)) {
    successor_late_ = successor_ != nullptr && successor_->socket >= 0;
    end_successor();
  }
  if (alarms_.take(Alarm::predecessor, time) && predecessor_ != nullptr)
    (void)::kill(predecessor_->pid, SIGKILL);
  if (alarms_.take(Alarm::take_over, time) && owner_ != nullptr) {
    say("the daemon does not take over: its children are ended without it");
    (void)::kill(owner_->pid, SIGKILL);
  }
  if (alarms_.take(Alarm::restart, time)) back_off();
  if (alarms_.take(Alarm::ending, time)) kill_all();
}

}  // namespace gracevisor::keeper
