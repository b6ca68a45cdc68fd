// How lines leave a worker: in batches, per file, and with a count of what did not fit.
#include "proxy/access_outbox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "support/run_until.h"

namespace gracevisor::proxy {
namespace {

using routing::AccessBatch;
using routing::AccessLane;
using routing::AccessSink;

std::uint64_t lines_of(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

struct AccessOutboxFixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  AccessLane lane;
  int rings = 0;
  std::unique_ptr<AccessOutbox> outbox = std::make_unique<AccessOutbox>(*loop, lane, [this] { ++rings; });
  AccessSink sink{"/l/a.log", config::AccessFormat::json, 1000, 3};
  AccessSink other{"/l/b.log", config::AccessFormat::combined, 1000, 3};
  std::string agent = std::string(1000, 'a');

  void add(const AccessSink& to, std::string_view user_agent = "agent") const {
    AccessRecord record;
    record.client = "client";
    record.user_agent = user_agent;
    record.end = "done";
    outbox->add(to, record);
  }
  void end() {
    outbox.reset();
    CHECK(loop->close() == 0);
  }
};

}  // namespace

TEST_CASE_FIXTURE(AccessOutboxFixture,
                  "outbox: lines wait a moment, then leave in one batch per file with one ring") {
  add(sink);
  add(other);
  add(sink);
  CHECK_FALSE(lane.filled.pop().has_value());
  REQUIRE(test::run_until(*loop, [&] { return rings > 0; }));
  CHECK(rings == 1);
  auto first = lane.filled.pop();
  auto second = lane.filled.pop();
  REQUIRE((first && second));
  CHECK(first->to == sink);
  CHECK(lines_of(first->text) == 2);
  CHECK(first->dropped_lines == 0);
  CHECK(second->to == other);
  CHECK(second->text.starts_with("client - - ["));
  CHECK_FALSE(lane.filled.pop().has_value());
  end();
  CHECK(rings == 1);
}

TEST_CASE_FIXTURE(AccessOutboxFixture,
                  "outbox: a full batch leaves at once, and the end hands over what is left") {
  std::uint64_t added = 0;
  while (rings == 0) {
    add(sink, agent);
    ++added;
  }
  auto full = lane.filled.pop();
  REQUIRE(full.has_value());
  CHECK(lines_of(full->text) == added);
  CHECK(full->text.size() >= AccessOutbox::kBatch);
  CHECK(full->text.size() < AccessOutbox::kBatch + kLongestAccessLine);
  add(other);
  end();
  auto rest = lane.filled.pop();
  REQUIRE(rest.has_value());
  CHECK(lines_of(rest->text) == 1);
}

TEST_CASE_FIXTURE(AccessOutboxFixture,
                  "outbox: a writer that takes nothing costs lines, which are counted and told later") {
  std::uint64_t added = 0;
  while (lane.dropped.read() == 0) {
    add(sink, agent);
    ++added;
  }
  CHECK(added * agent.size() > AccessLane::kMaxBytes / 2);
  std::uint64_t dropped = lane.dropped.read();
  std::uint64_t arrived = 0;
  std::uint64_t told = 0;
  auto take = [&] {
    while (auto batch = lane.filled.pop()) {
      arrived += lines_of(batch->text);
      told += batch->dropped_lines;
      if (batch->dropped_lines > 0) CHECK(batch->dropped_bytes > batch->dropped_lines * agent.size());
      lane.taken.add(batch->text.size());
    }
    return told;
  };
  (void)take();
  CHECK(arrived == added - dropped);
  CHECK(told == 0);
  // Without any further line.
  CHECK(test::run_until(*loop, [&] { return take() > 0; }));
  CHECK(told == dropped);
  CHECK(lane.dropped.read() == dropped);
  add(sink);
  end();
  (void)take();
  CHECK(arrived == added - dropped + 1);
  CHECK(told == dropped);
}

TEST_CASE_FIXTURE(AccessOutboxFixture, "outbox: a ring without a free place drops as well") {
  for (std::size_t i = 0; i < AccessLane::kBatches; ++i) REQUIRE(lane.filled.push(AccessBatch{}));
  add(sink);
  REQUIRE(test::run_until(*loop, [&] { return lane.dropped.read() == 1; }));
  CHECK(rings == 0);
  REQUIRE(lane.filled.pop().has_value());
  CHECK(test::run_until(*loop, [&] { return rings == 1; }));
  std::uint64_t told = 0;
  while (auto batch = lane.filled.pop()) told += batch->dropped_lines;
  CHECK(told == 1);
  end();
}

TEST_CASE_FIXTURE(AccessOutboxFixture, "outbox: an emptied batch is filled again") {
  AccessBatch spent;
  spent.to = other;
  spent.text = "x";
  spent.dropped_lines = spent.dropped_bytes = 7;
  REQUIRE(lane.spent.push(std::move(spent)));
  add(sink);
  CHECK_FALSE(lane.spent.pop().has_value());
  end();
  auto batch = lane.filled.pop();
  REQUIRE(batch.has_value());
  CHECK(batch->to == sink);
  CHECK(lines_of(batch->text) == 1);
  CHECK(batch->text.starts_with("{"));
  CHECK(batch->dropped_lines == 0);
  CHECK(batch->dropped_bytes == 0);
}

}  // namespace gracevisor::proxy
