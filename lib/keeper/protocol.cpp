#include "keeper/protocol.h"

#include <cstddef>
#include <cstring>

namespace gracevisor::keeper {
namespace {

// What records of a kind consist of.
struct Form {
  std::size_t body;
  std::size_t fewest;  // descriptors
  std::size_t most;
  std::size_t first = body;  // the bytes that the body had at first: what was added later may be missing
};
constexpr Form kExit{sizeof(Exit), 0, 0, offsetof(Exit, alone)};
struct Both {
  Kind kind;
  Form order;
  Form answer;
};
constexpr Both kOrders[] = {
    {Kind::hello, {0, 0, 0}, {sizeof(Welcome), 0, 1}},
    {Kind::list, {sizeof(List), 0, 0}, {sizeof(Entry), 0, 4}},
    {Kind::spawn, {sizeof(Spawn), 6, 10}, {sizeof(Spawned), 0, 1}},
    {Kind::reap, {sizeof(Reap), 0, 0}, kExit},
    {Kind::hold, {sizeof(Name), 1, 1}, {0, 0, 0}},
    {Kind::release, {sizeof(Name), 0, 0}, {0, 0, 0}},
    {Kind::serving, {0, 0, 0}, {0, 0, 0}},
    {Kind::successor, {sizeof(Successor), 1, 1}, {sizeof(Daemon), 0, 1}},
    {Kind::end, {sizeof(End), 0, 0}, {0, 0, 0}},
    {Kind::policy, {sizeof(Policy), 0, 0}, {0, 0, 0}},
    {Kind::notify, {sizeof(Notify), 0, 0}, {0, 0, 0}},
    {Kind::alive, {0, 0, 0}, {0, 0, 0}},
    {Kind::bye, {sizeof(Bye), 0, 0}, {0, 0, 0}},
};
struct Event {
  Kind kind;
  Form form;
};
// `none` only ever refuses.
constexpr Event kEvents[] = {
    {Kind::none, {0, 0, 0}},
    {Kind::exited, kExit},
    {Kind::superseded, {sizeof(Daemon), 0, 0}},
    {Kind::daemon_ended, {sizeof(Daemon), 0, 0}},
};

// Null: such a kind is not known in that direction.
const Form* order_form(Kind kind) {
  for (const Both& known : kOrders) {
    if (known.kind == kind) return &known.order;
  }
  return nullptr;
}

const Form* answer_form(Kind kind) {
  for (const Both& known : kOrders) {
    if (known.kind == kind) return &known.answer;
  }
  for (const Event& known : kEvents) {
    if (known.kind == kind) return &known.form;
  }
  return nullptr;
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
    case Kind::exited: return body.exit.pid > 0 && is_ending(body.exit.ending, false) && body.exit.alone <= 1;
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

bool allows(const Form& form, std::size_t size, std::size_t descriptors) {
  return size >= sizeof(Header) + form.first && descriptors >= form.fewest && descriptors <= form.most;
}

Record make(Kind kind, std::uint32_t serial, const Form* form) {
  Record record;
  std::memset(&record, 0, sizeof record);
  record.header.version = kVersion;
  record.header.kind = kind;
  record.header.length = static_cast<std::uint16_t>(sizeof(Header) + (form != nullptr ? form->body : 0));
  record.header.serial = serial;
  return record;
}

}  // namespace

Code read_order(const void* bytes, std::size_t size, std::size_t descriptors, Record& into) {
  if (const Code code = copy(bytes, size, into); code != Code::ok) return code;
  const Form* form = order_form(into.header.kind);
  if (form == nullptr) return Code::unsupported;
  if (!allows(*form, size, descriptors)) return Code::bad_record;
  return order_fits(into, descriptors) ? Code::ok : Code::bad_record;
}

Code read_answer(const void* bytes, std::size_t size, std::size_t descriptors, Record& into) {
  if (const Code code = copy(bytes, size, into); code != Code::ok) return code;
  const Form* form = answer_form(into.header.kind);
  if (form == nullptr) return Code::unsupported;
  if (into.header.code != Code::ok) {
    const bool refusal = !is_event(into.header.kind) && descriptors == 0 && into.header.code <= Code::later;
    return refusal ? Code::ok : Code::bad_record;
  }
  if (!allows(*form, size, descriptors)) return Code::bad_record;
  return answer_fits(into, descriptors) ? Code::ok : Code::bad_record;
}

Record order(Kind kind, std::uint32_t serial) {
  return make(kind, serial, order_form(kind));
}

Record answer(Kind kind, std::uint32_t serial, Code code, std::int32_t error) {
  Record record = make(kind, serial, code == Code::ok ? answer_form(kind) : nullptr);
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
