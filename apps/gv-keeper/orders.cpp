#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "keeper.h"
#include "spawn/protocol.h"

namespace gracevisor::keeper {
namespace {

Record answer_as(const Record& order, Code code, std::int32_t error = 0) {
  return answer(order.header.kind, order.header.serial, code, error);
}

// The words in a record's array.
std::size_t split(const char (&text)[400], const char* (&into)[DaemonProgram::kMostWords]) {
  std::size_t count = 0;
  for (const char* at = text; *at != '\0' && count < DaemonProgram::kMostWords; at += std::strlen(at) + 1) {
    into[count++] = at;
  }
  return count;
}

}  // namespace

bool Keeper::may(const Peer& peer, Kind kind) const {
  if (&peer == owner_) return true;
  return kind == Kind::hello || kind == Kind::list || kind == Kind::alive ||
         (kind == Kind::serving && &peer == successor_ && !peer.killed);
}

void Keeper::carry_out(Peer& peer, const Record& order, Packet& packet) {
  // What follows from it comes after its answer.
  reply(peer, answer_to(peer, order, packet));
  if (order.header.kind == Kind::serving) serving(peer);
  if (order.header.kind == Kind::bye) on_bye(peer, static_cast<int>(order.body.bye.status));
}

Record Keeper::answer_to(Peer& peer, const Record& order, Packet& packet) {
  switch (order.header.kind) {
    case Kind::hello: return welcome(peer, order.header.serial);
    case Kind::list: return list(order);
    case Kind::spawn: return spawn(order, packet);
    case Kind::reap: return reap(order);
    case Kind::hold: return hold(order, packet);
    case Kind::release: return answer_as(order, names_.release(order.body.name));
    case Kind::successor: return begin_successor(order, packet);
    case Kind::end: return end_daemon(order);
    case Kind::policy:
      shutdown_timeout_ = Millis(order.body.policy.shutdown_timeout);
      watchdog_ = Millis(order.body.policy.watchdog);
      expect_life();
      return answer_as(order, Code::ok);
    case Kind::notify: return tell_manager(order);
    case Kind::serving:
    case Kind::alive:
    case Kind::bye: return answer_as(order, Code::ok);
    case Kind::none:
    case Kind::exited:
    case Kind::superseded:
    case Kind::daemon_ended: break;
  }
  return answer(Kind::none, order.header.serial, Code::unsupported);
}

Record Keeper::welcome(const Peer& peer, std::uint32_t serial) const {
  Record record = answer(Kind::hello, serial, Code::ok);
  Welcome& body = record.body.welcome;
  body.role = &peer == owner_ ? Whom::owner : &peer == successor_ ? Whom::successor : Whom::predecessor;
  body.keeper = ::getpid();
  body.predecessor = predecessor_ != nullptr ? predecessor_->pid : 0;
  body.deaths = deaths_;
  body.starts = starts_;
  body.children = children_.count();
  body.names = names_.count();
  body.last = last_;
  body.soft_files = inherited_.files().rlim_cur;
  body.hard_files = inherited_.files().rlim_max;
  (void)put_text(body.version, sizeof body.version, GV_VERSION, std::strlen(GV_VERSION));
  return record;
}

// First the children, then the names.
Record Keeper::list(const Record& order) {
  Record record = answer_as(order, Code::ok);
  Entry& entry = record.body.entry;
  std::uint32_t from = order.body.list.from;
  std::uint32_t found = 0;
  if (from < kMostChildren) {
    if (const Row* row = children_.from(from, found)) {
      entry.what = What::child;
      entry.next = found + 1;
      entry.pid = row->pid;
      entry.tag = row->tag;
      return record;
    }
    from = kMostChildren;
  }
  if (const Held* held = names_.from(from - kMostChildren, found)) {
    entry.what = What::name;
    entry.next = kMostChildren + found + 1;
    entry.name = held->name;
  }
  return record;
}

Record Keeper::spawn(const Record& order, Packet& packet) {
  const Spawn& asked = order.body.spawn;
  if (children_.find(asked.tag) != nullptr) return answer_as(order, Code::busy);
  Row* row = children_.room();
  if (row == nullptr) return answer_as(order, Code::no_room);
  int given[6];
  std::size_t next = 1;
  const std::size_t count = (asked.parts & kListener) != 0 ? 6 : 5;
  for (std::size_t i = 0; i < count; ++i) given[i] = packet.descriptor(next++);

  char name[sizeof "gv-exec"];
  std::strcpy(name, spawn::kHelperName);
  char* const argv[] = {name, nullptr};
  const Forked child = start_program(
      {packet.descriptor(0), argv, program_.helper_environment, given, count, true}, inherited_);
  if (child.error != 0) return answer_as(order, Code::failed, child.error);

  row->tag = asked.tag;
  row->pid = child.pid;
  row->pidfd = child.pidfd;
  row->out = (asked.parts & kOut) != 0 ? packet.take(next++) : -1;
  row->err = (asked.parts & kErr) != 0 ? packet.take(next++) : -1;
  row->report = (asked.parts & kReport) != 0 ? packet.take(next++) : -1;
  children_.add(*row);
  Record record = answer_as(order, Code::ok);
  record.body.spawned.pid = child.pid;
  return record;
}

Record Keeper::reap(const Record& order) {
  Row* row = children_.find(order.body.reap.pid);
  if (row == nullptr) return answer_as(order, Code::unknown);
  // The daemon's pidfd may have told it before the keeper was told.
  if (row->lives()) children_.look();
  if (row->lives()) return answer_as(order, Code::living);
  Record record = answer_as(order, Code::ok);
  record.body.exit = {row->pid, row->ending, 0};
  children_.remove(*row);
  return record;
}

Record Keeper::hold(const Record& order, Packet& packet) {
  const Code code = names_.hold(order.body.name, packet.descriptor(0));
  if (code == Code::ok) (void)packet.take(0);
  return answer_as(order, code);
}

Record Keeper::begin_successor(const Record& order, Packet& packet) {
  if (successor_ != nullptr || predecessor_ != nullptr || gone_untold_) return answer_as(order, Code::busy);
  int channel[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, channel) != 0)
    return answer_as(order, Code::failed, errno);
  const char* words[DaemonProgram::kMostWords];
  const std::size_t count = split(order.body.successor.arguments, words);
  Peer* started = start(packet.descriptor(0), words, count);
  if (started == nullptr) {
    const int error = errno;
    (void)::close(channel[0]);
    (void)::close(channel[1]);
    return answer_as(order, Code::failed, error);
  }
  started->file = packet.take(0);
  started->channel = channel[1];
  if (owner_->channel >= 0) (void)::close(owner_->channel);
  owner_->channel = channel[0];
  successor_ = started;
  successor_late_ = false;
  alarms_.set(Alarm::successor, Millis(order.body.successor.patience));
  Record record = answer_as(order, Code::ok);
  record.body.daemon = {started->pid, Whom::successor, {}, 0};
  return record;
}

Record Keeper::end_daemon(const Record& order) {
  if (order.body.end.whom == Whom::successor) {
    if (successor_ == nullptr) return answer_as(order, Code::unknown);
    end_successor();
    return answer_as(order, Code::ok);
  }
  if (predecessor_ == nullptr) return answer_as(order, Code::unknown);
  (void)::kill(predecessor_->pid, SIGTERM);
  alarms_.set(Alarm::predecessor, shutdown_timeout_);
  return answer_as(order, Code::ok);
}

Record Keeper::tell_manager(const Record& order) const {
  const int error = manager_.tell(order.body.notify.text);
  if (error == EAGAIN) return answer_as(order, Code::later);
  return answer_as(order, error == 0 ? Code::ok : Code::failed, error);
}

}  // namespace gracevisor::keeper
