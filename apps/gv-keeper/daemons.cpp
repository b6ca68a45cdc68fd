#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keeper.h"
#include "log.h"

namespace gracevisor::keeper {
namespace {

// One that ends this soon after it said `serving`, or before, ended at once.
constexpr Millis kAtOnce{1000};
constexpr std::uint32_t kDeathsUntilSafe = 5;
// More than a socket can hold of what a daemon said before it ended.
constexpr std::size_t kMostUnread = 1000;
// What a daemon that was started to end the children has, until it says that it has begun.
constexpr Millis kToTakeOver{10'000};
// From SIGABRT to SIGKILL.
constexpr Millis kToAbort{5000};

// 0, then 100 ms, doubling up to 5 s.
Millis back_off_after(std::uint32_t deaths) {
  constexpr Millis kMost{5000};
  if (deaths < 2) return Millis(0);
  const Millis wait = Millis(100) * (1 << (deaths < 8 ? deaths - 2 : 6));
  return wait < kMost ? wait : kMost;
}

int as_shell_counts(const Ending& ending) {
  return ending.how == How::exited ? ending.number : 128 + ending.number;
}

}  // namespace

// Null: errno says why, and no process exists.
Peer* Keeper::start(int file, const char* const* words, std::size_t count) {
  Peer* free = nullptr;
  for (Peer& peer : peers_) {
    if (!peer.used()) free = &peer;
  }
  if (free == nullptr) {
    errno = EBUSY;
    return nullptr;
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return nullptr;
  std::size_t argc = program_.count;
  for (std::size_t i = 0; i < count; ++i) program_.argv[argc++] = const_cast<char*>(words[i]);
  program_.argv[argc] = nullptr;
  const int given[] = {-1, -1, -1, ends[1]};
  static_assert(kSocketFd == 3);
  const Forked child =
      start_program({file, program_.argv, program_.environment, given, 4, false}, inherited_);
  (void)::close(ends[1]);
  if (child.error != 0) {
    (void)::close(ends[0]);
    errno = child.error;
    return nullptr;
  }
  (void)::close(child.pidfd);
  *free = Peer{};
  free->pid = child.pid;
  free->socket = ends[0];
  free->started = now();
  return free;
}

bool Keeper::start_owner() {
  const char* words[2];
  std::size_t count = 0;
  if (deaths_ >= kDeathsUntilSafe) words[count++] = "--safe";
  if (stopping_) words[count++] = "--stop";
  owner_ = start(program_.file, words, count);
  if (owner_ == nullptr) {
    say("cannot start %s: %s", program_.argv[0], std::strerror(errno));
    return false;
  }
  ++starts_;
  return true;
}

// The alarm, or the end of a start that failed.
void Keeper::back_off() {
  if (start_owner()) return;
  ++deaths_;
  alarms_.set(Alarm::restart, back_off_after(deaths_ < 2 ? 2 : deaths_));
}

void Keeper::start_to_stop() {
  alarms_.clear(Alarm::restart);
  stopping_ = true;
  if (start_owner()) {
    alarms_.set(Alarm::take_over, kToTakeOver);
  } else {
    end_all(1);
  }
}

void Keeper::serving(Peer& peer) {
  if (!peer.serves()) peer.served = now();
  ever_served_ = true;
  if (&peer == successor_) {
    // The commit. From here on only this one decides, whatever becomes of it.
    alarms_.clear(Alarm::successor);
    (void)::close(program_.file);
    program_.file = peer.file;
    peer.file = -1;
    predecessor_ = owner_;
    if (predecessor_ != nullptr) predecessor_->superseded = true;
    owner_ = successor_;
    successor_ = nullptr;
    watchdog_ = Millis(0);
    deaths_ = 0;
    alarms_.clear(Alarm::silence);
    children_.retell();
  }
  alarms_.clear(Alarm::take_over);
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2}) {
    if (::sigismember(&waiting_signals_, number) == 1) (void)::kill(owner_->pid, number);
  }
  (void)::sigemptyset(&waiting_signals_);
}

void Keeper::on_bye(Peer& peer, int status) {
  peer.bye = true;
  peer.status = status;
  alarms_.clear(Alarm::silence);
  alarms_.set(Alarm::kill_owner, shutdown_timeout_);
}

// What it still said counts: it is carried out before anyone else sees the tables.
void Keeper::on_end(Peer& peer, const Ending& ending) {
  for (std::size_t i = 0; i < kMostUnread && peer.socket >= 0; ++i) {
    peer.answering = false;
    Packet packet;
    if (packet.receive(peer.socket) != Packet::Got::record) break;
    take(peer, packet);
  }
  give_up(peer.pid);
  for (const int fd : {peer.socket, peer.file, peer.channel}) {
    if (fd >= 0) (void)::close(fd);
  }
  const Peer was = peer;
  peer = Peer{};
  if (&peer == owner_) {
    owner_ = nullptr;
    on_owner_end(was, ending);
    return;
  }
  gone_ = answer(Kind::daemon_ended, 0, Code::ok);
  gone_.body.daemon = {was.pid, Whom::predecessor, ending, 0};
  gone_untold_ = true;
  if (&peer == successor_) {
    gone_.body.daemon.whom = Whom::successor;
    gone_.body.daemon.timed_out = successor_late_ ? 1 : 0;
    alarms_.clear(Alarm::successor);
    successor_ = nullptr;
  } else {
    alarms_.clear(Alarm::predecessor);
    predecessor_ = nullptr;
  }
}

void Keeper::on_owner_end(const Peer& was, const Ending& ending) {
  last_ = ending;
  watchdog_ = Millis(0);
  alarms_.clear(Alarm::silence);
  alarms_.clear(Alarm::kill_owner);
  alarms_.clear(Alarm::take_over);
  if (ending_) return;
  if (successor_ != nullptr) end_successor();
  if (was.bye) return end_all(was.status);

  const Millis time = now();
  const bool at_once = !was.serves() || time - was.served < kAtOnce;
  deaths_ = at_once ? deaths_ + 1 : 0;
  const LifeText life(was.pid, ending, time - was.started);
  if (!ever_served_ || stopping_) {
    // One that exits has said why.
    if (ending.how != How::exited || children_.living() != 0) say("%s, so the keeper ends", life.text);
    return end_all(stopping_ ? 1 : as_shell_counts(ending));
  }
  if (asked_) {
    say("%s, asked to stop: another one ends its children", life.text);
    return start_to_stop();
  }
  const Millis wait = back_off_after(deaths_);
  say("%s; start %u in %d ms, its children stay%s", life.text, starts_ + 1, static_cast<int>(wait.count()),
      deaths_ >= kDeathsUntilSafe ? " (--safe: it keeps ending at once)" : "");
  if (wait == Millis(0)) {
    back_off();
  } else {
    alarms_.set(Alarm::restart, wait);
  }
}

void Keeper::end_successor() {
  successor_->killed = true;
  (void)::kill(successor_->pid, SIGKILL);
}

void Keeper::pass_on(int number) {
  if (owner_ != nullptr && owner_->serves()) {
    (void)::kill(owner_->pid, number);
  } else {
    (void)::sigaddset(&waiting_signals_, number);
  }
}

void Keeper::expect_life() {
  if (watchdog_ == Millis(0) || owner_ == nullptr || owner_->bye || owner_->socket < 0) {
    alarms_.clear(Alarm::silence);
  } else {
    alarms_.set(Alarm::silence, watchdog_);
  }
}

void Keeper::abort_owner() {
  if (owner_ == nullptr) return;
  say("the daemon (pid %d) is silent: it is aborted", owner_->pid);
  (void)::kill(owner_->pid, SIGABRT);
  alarms_.set(Alarm::kill_owner, kToAbort);
}

}  // namespace gracevisor::keeper
