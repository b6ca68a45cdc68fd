#include "keeper/protocol.h"

#include <cstring>

namespace gracevisor::keeper {
namespace {

// What a record of a kind consists of. A kind without a shape is not known in that direction.
struct Shape {
  bool known = false;
  std::size_t body = 0;
  std::size_t fewest = 0;  // descriptors
  std::size_t most = 0;
};

Shape order_shape(Kind kind) {
  switch (kind) {
    case Kind::hello:
    case Kind::serving:
    case Kind::alive: return {true};
    case Kind::list: return {true, sizeof(List)};
    case Kind::spawn: return {true, sizeof(Spawn), 6, 10};
    case Kind::reap: return {true, sizeof(Reap)};
    case Kind::hold: return {true, sizeof(Name), 1, 1};
    case Kind::release: return {true, sizeof(Name)};
    case Kind::successor: return {true, sizeof(Successor), 1, 1};
    case Kind::end: return {true, sizeof(End)};
    case Kind::policy: return {true, sizeof(Policy)};
    case Kind::notify: return {true, sizeof(Notify)};
    case Kind::bye: return {true, sizeof(Bye)};
    case Kind::none:
    case Kind::exited:
    case Kind::superseded:
    case Kind::daemon_ended: break;
  }
  return {};
}

Shape answer_shape(Kind kind) {
  switch (kind) {
    case Kind::none:
    case Kind::hold:
    case Kind::release:
    case Kind::serving:
    case Kind::end:
    case Kind::policy:
    case Kind::notify:
    case Kind::alive:
    case Kind::bye: return {true};
    case Kind::hello: return {true, sizeof(Welcome), 0, 1};
    case Kind::list: return {true, sizeof(Entry), 0, 4};
    case Kind::spawn: return {true, sizeof(Spawned), 0, 1};
    case Kind::reap:
    case Kind::exited: return {true, sizeof(Exit)};
    case Kind::successor: return {true, sizeof(Daemon), 0, 1};
    case Kind::superseded:
    case Kind::daemon_ended: return {true, sizeof(Daemon)};
  }
  return {};
}

std::size_t bits(std::uint32_t parts) {
  return static_cast<std::size_t>(__builtin_popcount(parts));
}

bool ends(const char* text, std::size_t room) {
  const std::size_t size = ::strnlen(text, room);
  if (size == room) return false;
  for (std::size_t i = size; i < room; ++i) {
    if (text[i] != '\0') return false;
  }
  return true;
}

template <std::size_t N>
bool is_text(const char (&text)[N]) {
  return text[0] != '\0' && ends(text, N);
}

bool is_tag(const Tag& tag) {
  return is_text(tag.app) && ends(tag.endpoint, sizeof tag.endpoint);
}

// Words that each end with a NUL, then zeros.
bool are_words(const char (&text)[400]) {
  if (text[sizeof text - 1] != '\0') return false;
  const char* at = text;
  const char* last = text + sizeof text;
  while (at < last && *at != '\0') at += std::strlen(at) + 1;
  for (; at < last; ++at) {
    if (*at != '\0') return false;
  }
  return true;
}

// `lives` is allowed where there was nothing to end yet.
bool is_ending(const Ending& ending, bool may_live) {
  switch (ending.how) {
    case How::lives: return may_live && ending.number == 0;
    case How::exited: return ending.number >= 0 && ending.number <= 255;
    case How::killed:
    case How::dumped: return ending.number > 0 && ending.number < 128;
  }
  return false;
}

bool is_whom(Whom whom, bool owner_too) {
  switch (whom) {
    case Whom::owner: return owner_too;
    case Whom::successor:
    case Whom::predecessor: return true;
  }
  return false;
}

bool fits(const Spawn& spawn, std::size_t descriptors) {
  constexpr std::uint32_t kAll = kListener | kOut | kErr | kReport;
  return is_tag(spawn.tag) && (spawn.parts & ~kAll) == 0 && descriptors == 6 + bits(spawn.parts);
}

bool order_fits(const Record& record, std::size_t descriptors) {
  const Record::Body& body = record.body;
  switch (record.header.kind) {
    case Kind::list: return body.list.from <= kMostChildren + kMostNames;
    case Kind::spawn: return fits(body.spawn, descriptors);
    case Kind::reap: return body.reap.pid > 0;
    case Kind::hold:
    case Kind::release: return is_text(body.name.text);
    case Kind::successor: return are_words(body.successor.arguments) && body.successor.patience != 0;
    case Kind::end: return is_whom(body.end.whom, false);
    case Kind::notify: return is_text(body.notify.text);
    case Kind::bye: return body.bye.status <= 255;
    case Kind::none:
    case Kind::hello:
    case Kind::serving:
    case Kind::policy:
    case Kind::alive:
    case Kind::exited:
    case Kind::superseded:
    case Kind::daemon_ended: break;
  }
  return true;
}

bool fits(const Entry& entry, std::size_t descriptors) {
  constexpr std::uint32_t kAll = kPidfd | kOut | kErr | kReport;
  switch (entry.what) {
    case What::end: return descriptors == 0;
    case What::child:
      return is_tag(entry.tag) && entry.pid > 0 && is_ending(entry.ending, true) &&
             (entry.parts & ~kAll) == 0 && descriptors == bits(entry.parts);
    case What::name: return is_text(entry.name.text) && descriptors == 1;
  }
  return false;
}

bool fits(const Welcome& welcome) {
  return is_whom(welcome.role, true) && welcome.keeper > 0 && welcome.predecessor >= 0 &&
         is_ending(welcome.last, true) && is_text(welcome.version);
}

bool answer_fits(const Record& record, std::size_t descriptors) {
  const Record::Body& body = record.body;
  switch (record.header.kind) {
    case Kind::none: return false;  // an answer to nothing can only be a refusal
    case Kind::hello: return fits(body.welcome);
    case Kind::list: return fits(body.entry, descriptors);
    case Kind::spawn:
      return body.spawned.pid > 0 && (body.spawned.parts & ~std::uint32_t{kPidfd}) == 0 &&
             descriptors == bits(body.spawned.parts);
    case Kind::reap:
    case Kind::exited: return body.exit.pid > 0 && is_ending(body.exit.ending, false);
    case Kind::successor:
    case Kind::superseded:
    case Kind::daemon_ended:
      return body.daemon.pid > 0 && is_whom(body.daemon.whom, true) && is_ending(body.daemon.ending, true);
    case Kind::hold:
    case Kind::release:
    case Kind::serving:
    case Kind::end:
    case Kind::policy:
    case Kind::notify:
    case Kind::alive:
    case Kind::bye: break;
  }
  return true;
}

// The header, and of the body as much as both sides know.
Code copy(const void* bytes, std::size_t size, Record& into) {
  std::memset(&into, 0, sizeof into);
  if (size < sizeof(Header)) return Code::bad_record;
  std::memcpy(&into.header, bytes, sizeof(Header));
  if (into.header.version == 0 || into.header.length != size || size > kMostBytes) return Code::bad_record;
  const std::size_t body = size - sizeof(Header);
  std::memcpy(&into.body, static_cast<const char*>(bytes) + sizeof(Header),
              body < sizeof into.body ? body : sizeof into.body);
  return Code::ok;
}

bool allows(const Shape& shape, std::size_t size, std::size_t descriptors) {
  return size >= sizeof(Header) + shape.body && descriptors >= shape.fewest && descriptors <= shape.most;
}

Record make(Kind kind, std::uint32_t serial, std::size_t body) {
  Record record;
  std::memset(&record, 0, sizeof record);
  record.header.version = kVersion;
  record.header.kind = kind;
  record.header.length = static_cast<std::uint16_t>(sizeof(Header) + body);
  record.header.serial = serial;
  return record;
}

}  // namespace

Code read_order(const void* bytes, std::size_t size, std::size_t descriptors, Record& into) {
  if (const Code code = copy(bytes, size, into); code != Code::ok) return code;
  const Shape shape = order_shape(into.header.kind);
  if (!shape.known) return Code::unsupported;
  if (!allows(shape, size, descriptors)) return Code::bad_record;
  return order_fits(into, descriptors) ? Code::ok : Code::bad_record;
}

Code read_answer(const void* bytes, std::size_t size, std::size_t descriptors, Record& into) {
  if (const Code code = copy(bytes, size, into); code != Code::ok) return code;
  const Shape shape = answer_shape(into.header.kind);
  if (!shape.known) return Code::unsupported;
  if (into.header.code != Code::ok) {
    const bool refusal = !is_event(into.header.kind) && descriptors == 0 && into.header.code <= Code::later;
    return refusal ? Code::ok : Code::bad_record;
  }
  if (!allows(shape, size, descriptors)) return Code::bad_record;
  return answer_fits(into, descriptors) ? Code::ok : Code::bad_record;
}

Record order(Kind kind, std::uint32_t serial) {
  return make(kind, serial, order_shape(kind).body);
}

Record answer(Kind kind, std::uint32_t serial, Code code, std::int32_t error) {
  Record record = make(kind, serial, code == Code::ok ? answer_shape(kind).body : 0);
  record.header.code = code;
  record.header.error = error;
  return record;
}

bool is_event(Kind kind) {
  return kind >= Kind::exited;
}

void leave_out_descriptors(Record& answered) {
  if (answered.header.code != Code::ok) return;
  if (answered.header.kind == Kind::spawn) answered.body.spawned.parts = 0;
  if (answered.header.kind == Kind::list) answered = answer(Kind::list, answered.header.serial, Code::later);
}

bool put_text(char* into, std::size_t room, const char* text, std::size_t size) {
  if (size == 0 || size >= room || ::strnlen(text, size) != size) return false;
  std::memcpy(into, text, size);
  std::memset(into + size, 0, room - size);
  return true;
}

bool same_row(const Tag& a, const Tag& b) {
  return a.generation == b.generation && a.slot == b.slot && std::strcmp(a.app, b.app) == 0;
}

}  // namespace gracevisor::keeper
