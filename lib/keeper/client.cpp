#include "keeper/client.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "keeper/wire.h"

namespace gracevisor::keeper {
namespace {

std::unexpected<base::Error> refuse(const char* what, int code) {
  return base::fail_errno(what, code);
}

template <std::size_t N>
bool put(char (&into)[N], std::string_view text) {
  return put_text(into, N, text.data(), text.size());
}

base::UniqueFd take_part(Packet& packet, std::size_t& next, std::uint32_t parts, Part part) {
  return base::UniqueFd((parts & part) != 0 ? packet.take(next++) : -1);
}

Event listed(const Entry& entry, Packet& packet) {
  std::size_t next = 0;
  switch (entry.what) {
    case What::child: {
      ListedChild child{entry.next, entry.tag, entry.pid, entry.ending, {}, {}, {}, {}};
      child.pidfd = take_part(packet, next, entry.parts, kPidfd);
      child.out = take_part(packet, next, entry.parts, kOut);
      child.err = take_part(packet, next, entry.parts, kErr);
      child.report = take_part(packet, next, entry.parts, kReport);
      return child;
    }
    case What::name: return ListedName{entry.next, entry.name, base::UniqueFd(packet.take(0))};
    case What::end: break;
  }
  return ListEnd{};
}

base::UniqueFd take_only(Packet& packet) {
  return base::UniqueFd(packet.descriptors() == 0 ? -1 : packet.take(0));
}

Event as_event(const Record& record, Packet& packet) {
  const Record::Body& body = record.body;
  const Kind kind = record.header.kind;
  if (record.header.code != Code::ok) return Refused{kind, record.header.code, record.header.error};
  switch (kind) {
    case Kind::hello: return Welcomed{body.welcome, take_only(packet)};
    case Kind::list: return listed(body.entry, packet);
    case Kind::spawn: return Started{body.spawned.pid, take_only(packet)};
    case Kind::reap: return Reaped{body.exit.pid, body.exit.ending};
    case Kind::successor: return SuccessorStarted{body.daemon.pid, take_only(packet)};
    case Kind::exited: return ChildExited{body.exit.pid, body.exit.ending, body.exit.alone != 0};
    case Kind::superseded: return Superseded{body.daemon.pid};
    case Kind::daemon_ended: return DaemonEnded{body.daemon};
    case Kind::none: return Nonsense{};
    case Kind::hold:
    case Kind::release:
    case Kind::serving:
    case Kind::end:
    case Kind::policy:
    case Kind::notify:
    case Kind::alive:
    case Kind::bye: break;
  }
  return Done{kind};
}

// Too many descriptors for this process: the record is good for what it says.
Code read_without_descriptors(const Packet& packet, Record& into) {
  const Code code = read_answer(packet.bytes(), packet.size(), packet.descriptors(), into);
  if (code == Code::unsupported || into.header.length != packet.size()) return Code::bad_record;
  Record less = into;
  leave_out_descriptors(less);
  return read_answer(&less, less.header.length, 0, into);
}

std::uint32_t milliseconds(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds kMost(std::chrono::hours(24 * 7));
  return static_cast<std::uint32_t>(std::clamp(time, std::chrono::milliseconds(0), kMost).count());
}

}  // namespace

std::optional<Tag> make_tag(std::string_view app, std::string_view endpoint) {
  Tag tag{};
  const bool fits = put(tag.app, app) && (endpoint.empty() || put(tag.endpoint, endpoint));
  return fits ? std::optional(tag) : std::nullopt;
}

spawn::ExitStatus as_status(const Ending& ending) {
  if (ending.how == How::exited) return spawn::Exited{ending.number, 0};
  return spawn::Signaled{ending.number, ending.how == How::dumped};
}

std::optional<Client> Client::from_environment() {
  const char* number = std::getenv(kSocketVariable);
  if (number == nullptr || number != std::to_string(kSocketFd)) return std::nullopt;
  (void)::unsetenv(kSocketVariable);
  int type = 0;
  ucred peer{};
  socklen_t type_size = sizeof type;
  socklen_t peer_size = sizeof peer;
  // It may have inherited the variable alone, from whoever was started by a keeper.
  if (::getsockopt(kSocketFd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_SEQPACKET ||
      ::getsockopt(kSocketFd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) != 0 || peer.pid != ::getppid() ||
      ::fcntl(kSocketFd, F_SETFD, FD_CLOEXEC) != 0) {
    return std::nullopt;
  }
  return Client(base::UniqueFd(kSocketFd));
}

base::Expected<void> Client::list(std::uint32_t from) {
  Record record = order(Kind::list, 0);
  record.body.list.from = from;
  return send(record);
}

base::Expected<void> Client::spawn(const SpawnOrder& what) {
  Record record = order(Kind::spawn, 0);
  Spawn& body = record.body.spawn;
  body.tag = what.tag;
  if (what.listener >= 0) body.parts |= kListener;
  if (what.kept_out >= 0) body.parts |= kOut;
  if (what.kept_err >= 0) body.parts |= kErr;
  if (what.kept_report >= 0) body.parts |= kReport;
  return send(record, {what.helper, what.in, what.out, what.err, what.plan, what.report, what.listener,
                       what.kept_out, what.kept_err, what.kept_report});
}

base::Expected<void> Client::reap(pid_t child) {
  Record record = order(Kind::reap, 0);
  record.body.reap.pid = child;
  return send(record);
}

base::Expected<void> Client::hold(std::string_view name, int fd) {
  Record record = order(Kind::hold, 0);
  if (!put(record.body.name.text, name)) return refuse("the name does not fit", EINVAL);
  return send(record, {fd});
}

base::Expected<void> Client::release(std::string_view name) {
  Record record = order(Kind::release, 0);
  if (!put(record.body.name.text, name)) return refuse("the name does not fit", EINVAL);
  return send(record);
}

base::Expected<void> Client::begin_successor(int program, const std::vector<std::string_view>& words,
                                             std::chrono::milliseconds patience) {
  Record record = order(Kind::successor, 0);
  Successor& body = record.body.successor;
  body.patience = milliseconds(patience);
  std::size_t used = 0;
  for (std::string_view word : words) {
    // The last byte stays a NUL.
    if (!put_text(body.arguments + used, sizeof body.arguments - used, word.data(), word.size()))
      return refuse("the arguments do not fit", EINVAL);
    used += word.size() + 1;
  }
  return send(record, {program});
}

base::Expected<void> Client::end(Whom whom) {
  Record record = order(Kind::end, 0);
  record.body.end.whom = whom;
  return send(record);
}

base::Expected<void> Client::set_policy(std::chrono::milliseconds shutdown_timeout,
                                        std::chrono::milliseconds watchdog) {
  Record record = order(Kind::policy, 0);
  record.body.policy = {milliseconds(shutdown_timeout), milliseconds(watchdog)};
  return send(record);
}

base::Expected<void> Client::notify(std::string_view text) {
  Record record = order(Kind::notify, 0);
  if (!put(record.body.notify.text, text)) return refuse("the text does not fit", EINVAL);
  return send(record);
}

base::Expected<void> Client::bye(int status) {
  Record record = order(Kind::bye, 0);
  record.body.bye.status = static_cast<std::uint32_t>(status);
  return send(record);
}

base::Expected<void> Client::simple(Kind kind) {
  return send(order(kind, 0));
}

base::Expected<void> Client::send(Record record, std::initializer_list<int> descriptors) {
  std::uint32_t& out = out_.at(static_cast<std::size_t>(record.header.kind));
  if (out != 0) return refuse("such an order is not answered yet", EBUSY);
  std::array<int, kMostDescriptors> given{};
  std::size_t count = 0;
  for (int fd : descriptors) {
    if (fd >= 0) given.at(count++) = fd;
  }
  // What the keeper would refuse is not sent.
  Record checked;
  if (read_order(&record, record.header.length, count, checked) != Code::ok)
    return refuse("the order has a field that cannot be", EINVAL);
  serial_ = serial_ + 1 == 0 ? 1 : serial_ + 1;
  record.header.serial = serial_;
  if (const int error = send_record(socket_.get(), record, given.data(), count); error != 0)
    return refuse("cannot order the keeper", error);
  out = serial_;
  return {};
}

std::optional<Event> Client::next() {
  for (;;) {
    Packet packet;
    switch (packet.receive(socket_.get())) {
      case Packet::Got::nothing: return std::nullopt;
      case Packet::Got::end: return KeeperGone{};
      case Packet::Got::record: break;
    }
    Record record;
    const Code code = packet.truncated()
                          ? read_without_descriptors(packet, record)
                          : read_answer(packet.bytes(), packet.size(), packet.descriptors(), record);
    // A newer keeper may know more events, which mean nothing to this daemon.
    if (code == Code::unsupported && is_event(record.header.kind)) continue;
    if (code != Code::ok || !awaited(record.header)) return Nonsense{};
    // It may have got some of them.
    if (packet.truncated()) packet.clear();
    return as_event(record, packet);
  }
}

bool Client::awaited(const Header& header) {
  if (is_event(header.kind)) return true;
  std::uint32_t& out = out_.at(static_cast<std::size_t>(header.kind));
  return out != 0 && std::exchange(out, 0) == header.serial;
}

}  // namespace gracevisor::keeper
