#include <unistd.h>

#include <cerrno>

#include "keeper.h"
#include "strangers.h"

namespace gracevisor::keeper {
namespace {

// So many records in a row: then the others have their turn.
constexpr int kInARow = 64;
// How long nothing is sent while the kernel has no memory for it.
constexpr Millis kPause{100};
// From the end of a daemon's socket to its own.
constexpr Millis kToEnd{1000};

}  // namespace

void Keeper::serve(Peer& peer) {
  flush(peer);
  for (int i = 0; i < kInARow && peer.socket >= 0 && !peer.answering; ++i) {
    Packet packet;
    switch (packet.receive(peer.socket)) {
      case Packet::Got::nothing: return;
      case Packet::Got::end: on_hung_up(peer); return;
      case Packet::Got::record: take(peer, packet);
    }
  }
}

void Keeper::take(Peer& peer, Packet& packet) {
  Record order;
  Code code = read_order(packet.bytes(), packet.size(), packet.descriptors(), order);
  // With fewer than a record may have, it was the keeper that could not take them.
  if (packet.truncated()) code = packet.descriptors() < kMostDescriptors ? Code::no_room : Code::bad_record;
  if (code == Code::ok && !may(peer, order.header.kind)) code = Code::not_owner;
  if (&peer == owner_) expect_life();
  if (code == Code::ok) {
    carry_out(peer, order, packet);
    return;
  }
  const Kind kind = is_event(order.header.kind) ? Kind::none : order.header.kind;
  reply(peer, answer(kind, order.header.serial, code));
}

// A daemon that ends closes its socket shortly before. One that goes on without it can do nothing any more.
void Keeper::on_hung_up(Peer& peer) {
  (void)::close(peer.socket);
  peer.socket = -1;
  peer.answering = false;
  if (&peer == owner_ && !peer.bye) alarms_.set(Alarm::silence, kToEnd);
  if (&peer == successor_) alarms_.set(Alarm::successor, kToEnd);
}

void Keeper::reply(Peer& peer, const Record& record) {
  peer.answer = record;
  peer.answering = true;
  flush(peer);
}

// One that still asks for what there is would not know what to do about it.
bool Keeper::tells_gone(const Peer& owner) const {
  return gone_untold_ && owner.serves();
}

bool Keeper::has_news(const Peer& peer) {
  if (peer.answering || peer.superseded) return true;
  return &peer == owner_ && (tells_gone(peer) || children_.untold() != nullptr);
}

void Keeper::flush(Peer& peer) {
  if (peer.socket < 0) return;
  if (peer.answering) peer.answering = !send_answer(peer);
  if (peer.answering) return;
  if (peer.superseded) {
    Record event = answer(Kind::superseded, 0, Code::ok);
    event.body.daemon = {owner_ != nullptr ? owner_->pid : peer.pid, Whom::owner, {}, 0};
    peer.superseded = !send(peer, event);
  }
  if (&peer != owner_) return;
  if (tells_gone(peer)) gone_untold_ = !send(peer, gone_);
  if (children_.untold() == nullptr) return;
  // When a process ends, the kernel gives its children to the keeper before the keeper can see that it has
  // ended (exit_notify() in kernel/exit.c), so whoever is left of it has an ancestor among the keeper's
  // children.
  const std::uint32_t alone = has_strangers({&is_known, this}) ? 0 : 1;
  while (Row* row = children_.untold()) {
    Record event = answer(Kind::exited, 0, Code::ok);
    event.body.exit = {row->pid, row->ending, alone};
    if (!send(peer, event)) return;
    children_.told(*row);
  }
}

// The descriptors of an answer are looked up only now: while it waited they may have been closed. False: they
// were.
bool Keeper::attach(const Peer& peer, Record& answered, int (&fds)[4], std::size_t& count) {
  Record::Body& body = answered.body;
  count = 0;
  if (answered.header.code != Code::ok) return true;
  if (answered.header.kind == Kind::list && body.entry.what == What::child) {
    const Row* row = children_.find(body.entry.pid);
    if (row == nullptr) return false;
    count = row->descriptors(fds, body.entry.parts);
    body.entry.ending = row->ending;
  } else if (answered.header.kind == Kind::list && body.entry.what == What::name) {
    const Held* held = names_.find(body.entry.name);
    if (held == nullptr) return false;
    fds[count++] = held->fd;
  } else if (answered.header.kind == Kind::spawn) {
    const Row* row = children_.find(body.spawned.pid);
    if (row == nullptr) return false;
    body.spawned.parts = kPidfd;
    fds[count++] = row->pidfd;
  } else if (peer.channel >= 0 &&
             (answered.header.kind == Kind::hello || answered.header.kind == Kind::successor)) {
    fds[count++] = peer.channel;
  }
  return true;
}

// True: it is done with.
bool Keeper::send_answer(Peer& peer) {
  int fds[4];
  std::size_t count = 0;
  Record& answered = peer.answer;
  if (!attach(peer, answered, fds, count)) {
    answered = answer(answered.header.kind, answered.header.serial, Code::later);
  }
  if (!send(peer, answered, fds, &count)) return false;
  if (count != 0 && fds[0] == peer.channel) {
    (void)::close(peer.channel);
    peer.channel = -1;
  }
  return true;
}

// True: it is sent, or nobody is there to read it; `count` becomes 0 if the descriptors were left out.
bool Keeper::send(const Peer& peer, const Record& record, const int* fds, std::size_t* count) {
  if (paused_) return false;
  int error = send_record(peer.socket, record, fds, count != nullptr ? *count : 0);
  if (error == ETOOMANYREFS) {
    Record less = record;
    leave_out_descriptors(less);
    *count = 0;
    error = send_record(peer.socket, less, nullptr, 0);
  }
  if (error == ENOBUFS || error == ENOMEM) {
    paused_ = true;
    alarms_.set(Alarm::retry, kPause);
  }
  return error != EAGAIN && !paused_;
}

}  // namespace gracevisor::keeper
