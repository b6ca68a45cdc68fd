// What either side takes for a record of the protocol.
#include "keeper/protocol.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace gracevisor::keeper {
namespace {

Tag good_tag() {
  Tag tag{};
  REQUIRE(put_text(tag.app, sizeof tag.app, "web", 3));
  return tag;
}

// A good order of each kind, and its fewest descriptors.
struct Good {
  Record record;
  std::size_t descriptors = 0;
};

Good good_order(Kind kind) {
  Good good{order(kind, 7), 0};
  Record::Body& body = good.record.body;
  if (kind == Kind::spawn) good = {good.record, 6};
  if (kind == Kind::hold || kind == Kind::successor) good.descriptors = 1;
  if (kind == Kind::spawn) body.spawn.tag = good_tag();
  if (kind == Kind::reap) body.reap.pid = 1;
  if (kind == Kind::hold || kind == Kind::release)
    (void)put_text(body.name.text, sizeof body.name.text, "lock", 4);
  if (kind == Kind::successor) body.successor.patience = 1;
  if (kind == Kind::end) body.end.whom = Whom::successor;
  if (kind == Kind::notify) (void)put_text(body.notify.text, sizeof body.notify.text, "READY=1", 7);
  return good;
}

const std::vector<Kind> kOrders = {Kind::hello,   Kind::list,      Kind::spawn, Kind::reap,   Kind::hold,
                                   Kind::release, Kind::serving,   Kind::end,   Kind::policy, Kind::notify,
                                   Kind::alive,   Kind::successor, Kind::bye};

Code read(const Record& record, std::size_t descriptors, Record& into) {
  return read_order(&record, record.header.length, descriptors, into);
}
Code read(const Record& record, std::size_t descriptors = 0) {
  Record into;
  return read(record, descriptors, into);
}
Code read_back(const Record& record, std::size_t descriptors = 0) {
  Record into;
  return read_answer(&record, record.header.length, descriptors, into);
}

TEST_CASE("keeper protocol: an order of each kind is read as it was written") {
  for (const Kind kind : kOrders) {
    CAPTURE(static_cast<int>(kind));
    const Good good = good_order(kind);
    Record into;
    REQUIRE(read(good.record, good.descriptors, into) == Code::ok);
    CHECK(std::memcmp(&into, &good.record, sizeof into) == 0);
    CHECK(good.record.header.length <= kMostBytes);
  }
}

TEST_CASE("keeper protocol: an order is refused if it is short, or has another number of descriptors") {
  for (const Kind kind : kOrders) {
    CAPTURE(static_cast<int>(kind));
    const Good good = good_order(kind);
    CHECK(read(good.record, good.descriptors + 1) == Code::bad_record);
    if (good.descriptors > 0) CHECK(read(good.record, good.descriptors - 1) == Code::bad_record);
    Record into;
    CHECK(read_order(&good.record, good.record.header.length - 1, good.descriptors, into) ==
          Code::bad_record);
    CHECK(read_order(&good.record, good.record.header.length + 1, good.descriptors, into) ==
          Code::bad_record);
    if (good.record.header.length == sizeof(Header)) continue;
    Record cut = good.record;
    cut.header.length = static_cast<std::uint16_t>(cut.header.length - 1);
    CHECK(read(cut, good.descriptors) == Code::bad_record);
  }
}

TEST_CASE("keeper protocol: an end as the first version told it says nothing of what is left") {
  for (const Kind kind : {Kind::exited, Kind::reap}) {
    CAPTURE(static_cast<int>(kind));
    Record told = answer(kind, kind == Kind::reap ? 7 : 0, Code::ok);
    told.body.exit = {17, {How::exited, 3}, 1};
    Record into;
    CHECK(read_answer(&told, told.header.length, 0, into) == Code::ok);
    CHECK(into.body.exit.alone == 1);
    told.header.length = sizeof(Header) + offsetof(Exit, alone);
    REQUIRE(read_answer(&told, told.header.length, 0, into) == Code::ok);
    CHECK(into.body.exit.pid == 17);
    CHECK(into.body.exit.ending.number == 3);
    CHECK(into.body.exit.alone == 0);
    told.header.length = static_cast<std::uint16_t>(told.header.length - 1);
    CHECK(read_answer(&told, told.header.length, 0, into) == Code::bad_record);
    told.body.exit.alone = 2;
    told.header.length = sizeof(Header) + sizeof(Exit);
    CHECK(read_answer(&told, told.header.length, 0, into) == Code::bad_record);
  }
}

TEST_CASE("keeper protocol: what a later version adds behind a body is ignored") {
  std::array<char, kMostBytes + 1> bytes;
  for (const Kind kind : kOrders) {
    CAPTURE(static_cast<int>(kind));
    bytes.fill('x');
    Good good = good_order(kind);
    const std::size_t known = good.record.header.length;
    good.record.header.version = 2;
    good.record.header.length = static_cast<std::uint16_t>(kMostBytes);
    std::memcpy(bytes.data(), &good.record, known);
    Record into;
    CHECK(read_order(bytes.data(), kMostBytes, good.descriptors, into) == Code::ok);
    good.record.header.length = static_cast<std::uint16_t>(kMostBytes + 1);
    std::memcpy(bytes.data(), &good.record, known);
    CHECK(read_order(bytes.data(), kMostBytes + 1, good.descriptors, into) == Code::bad_record);
  }
}

TEST_CASE("keeper protocol: bytes without a header, without a version, or of an unknown kind") {
  Record into;
  CHECK(read_order("", 0, 0, into) == Code::bad_record);
  CHECK(into.header.kind == Kind::none);
  CHECK(read_order("0123456789abcde", 15, 0, into) == Code::bad_record);
  Record record = order(Kind::alive, 1);
  record.header.version = 0;
  CHECK(read(record) == Code::bad_record);
  for (const int kind : {0, 14, 63, 64, 65, 66, 1000, 65535}) {
    record = order(static_cast<Kind>(kind), 3);
    CHECK(read(record, 0, into) == Code::unsupported);
    CHECK(into.header.serial == 3);
  }
}

TEST_CASE("keeper protocol: fields of orders that cannot be") {
  const auto refused = [](Kind kind, auto change) {
    Good good = good_order(kind);
    change(good.record.body);
    return read(good.record, good.descriptors) == Code::bad_record;
  };
  using Body = Record::Body;
  CHECK(refused(Kind::list, [](Body& b) { b.list.from = kMostChildren + kMostNames + 1; }));
  CHECK(refused(Kind::reap, [](Body& b) { b.reap.pid = 0; }));
  CHECK(refused(Kind::reap, [](Body& b) { b.reap.pid = -1; }));
  CHECK(refused(Kind::end, [](Body& b) { b.end.whom = Whom::owner; }));
  CHECK(refused(Kind::end, [](Body& b) { b.end.whom = static_cast<Whom>(3); }));
  CHECK(refused(Kind::bye, [](Body& b) { b.bye.status = 256; }));
  CHECK(refused(Kind::successor, [](Body& b) { b.successor.patience = 0; }));
  CHECK(refused(Kind::successor, [](Body& b) { b.successor.arguments[399] = 'x'; }));
  CHECK(refused(Kind::successor, [](Body& b) { b.successor.arguments[5] = 'x'; }));
  CHECK(refused(Kind::notify, [](Body& b) { b.notify.text[0] = '\0'; }));
  CHECK(refused(Kind::hold, [](Body& b) { b.name.text[0] = '\0'; }));
  CHECK(refused(Kind::release, [](Body& b) { std::memset(b.name.text, 'x', sizeof b.name.text); }));
  CHECK(refused(Kind::hold, [](Body& b) { b.name.text[10] = 'x'; }));
  CHECK(refused(Kind::spawn, [](Body& b) { b.spawn.tag.app[0] = '\0'; }));
  CHECK(refused(Kind::spawn, [](Body& b) { b.spawn.tag.endpoint[127] = 'x'; }));
  CHECK(refused(Kind::spawn, [](Body& b) { b.spawn.parts = kPidfd; }));
  CHECK(refused(Kind::spawn, [](Body& b) { b.spawn.parts = kListener; }));
}

TEST_CASE("keeper protocol: a spawn has the descriptors that its parts name") {
  Good good = good_order(Kind::spawn);
  good.record.body.spawn.parts = kListener | kOut | kErr | kReport;
  CHECK(read(good.record, 10) == Code::ok);
  CHECK(read(good.record, 9) == Code::bad_record);
  good.record.body.spawn.parts = kOut;
  CHECK(read(good.record, 7) == Code::ok);
}

TEST_CASE("keeper protocol: the arguments of a successor are words") {
  Good good = good_order(Kind::successor);
  std::memcpy(good.record.body.successor.arguments, "--a\0-b c\0", 9);
  CHECK(read(good.record, 1) == Code::ok);
  std::memset(good.record.body.successor.arguments, 'x', 399);
  CHECK(read(good.record, 1) == Code::ok);
}

TEST_CASE("keeper protocol: answers with their descriptors") {
  for (const Kind kind : {Kind::hold, Kind::release, Kind::serving, Kind::end, Kind::policy, Kind::notify,
                          Kind::alive, Kind::bye}) {
    CHECK(read_back(answer(kind, 1, Code::ok)) == Code::ok);
    CHECK(read_back(answer(kind, 1, Code::ok), 1) == Code::bad_record);
  }
  Record entry = answer(Kind::list, 1, Code::ok);
  CHECK(read_back(entry) == Code::ok);
  entry.body.entry.what = What::child;
  entry.body.entry.pid = 5;
  CHECK(read_back(entry) == Code::bad_record);  // no tag
  entry.body.entry.tag = good_tag();
  CHECK(read_back(entry) == Code::ok);
  entry.body.entry.parts = kPidfd | kReport;
  CHECK(read_back(entry, 2) == Code::ok);
  CHECK(read_back(entry, 1) == Code::bad_record);
  entry.body.entry.parts = kListener;
  CHECK(read_back(entry, 1) == Code::bad_record);
  Record started = answer(Kind::spawn, 1, Code::ok);
  CHECK(read_back(started) == Code::bad_record);
  started.body.spawned.pid = 5;
  CHECK(read_back(started) == Code::ok);
  started.body.spawned.parts = kPidfd;
  CHECK(read_back(started, 1) == Code::ok);
}

TEST_CASE("keeper protocol: how a child ended") {
  Record exited = answer(Kind::exited, 0, Code::ok);
  exited.body.exit.pid = 5;
  const auto with = [&](How how, int number) {
    exited.body.exit.ending = {how, number};
    return read_back(exited);
  };
  CHECK(with(How::exited, 0) == Code::ok);
  CHECK(with(How::exited, 255) == Code::ok);
  CHECK(with(How::exited, 256) == Code::bad_record);
  CHECK(with(How::killed, 9) == Code::ok);
  CHECK(with(How::killed, 0) == Code::bad_record);
  CHECK(with(How::dumped, 128) == Code::bad_record);
  CHECK(with(How::lives, 0) == Code::bad_record);
  CHECK(with(static_cast<How>(4), 1) == Code::bad_record);
}

TEST_CASE("keeper protocol: a refusal has a code and nothing else") {
  CHECK(read_back(answer(Kind::spawn, 1, Code::failed, 12)) == Code::ok);
  CHECK(read_back(answer(Kind::none, 0, Code::bad_record)) == Code::ok);
  CHECK(read_back(answer(Kind::none, 0, Code::ok)) == Code::bad_record);
  CHECK(read_back(answer(Kind::spawn, 1, Code::failed), 1) == Code::bad_record);
  CHECK(read_back(answer(Kind::spawn, 1, static_cast<Code>(10))) == Code::bad_record);
  CHECK(read_back(answer(Kind::exited, 1, Code::failed)) == Code::bad_record);
}

TEST_CASE("keeper protocol: a text has to fit, with its NUL") {
  char room[4];
  CHECK(put_text(room, sizeof room, "abc", 3));
  CHECK(std::string(room) == "abc");
  CHECK_FALSE(put_text(room, sizeof room, "abcd", 4));
  CHECK_FALSE(put_text(room, sizeof room, "", 0));
  CHECK_FALSE(put_text(room, sizeof room, "a\0b", 3));
  CHECK(std::string(room) == "abc");
  CHECK(put_text(room, sizeof room, "a", 1));
  CHECK(room[2] == '\0');
}

}  // namespace
}  // namespace gracevisor::keeper
