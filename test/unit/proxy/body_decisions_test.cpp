// Which incomplete body goes when all keep too much, and which reader is too slow: by table, without a
// connection.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "proxy/reader_pace.h"
#include "proxy/request_buffer.h"

namespace gracevisor::proxy {
namespace {

using namespace std::chrono_literals;
using Pace = ReaderPace::Verdict;

struct Waiting final : RequestBuffers::Owner {
  RequestBuffers::Place place{*this};
  void body_too_slow() override {}
};

constexpr base::TimePoint kStart{};

}  // namespace

TEST_CASE("request buffers: the one that came slowest on average goes") {
  RequestBuffers bodies;
  std::array<Waiting, 3> waiting;
  for (std::size_t i = 0; i < waiting.size(); ++i) bodies.enter(waiting[i].place, kStart + i * 1s);
  bodies.keep(waiting[0].place, 1100, 1000);  // 100 B/s after 10 s
  bodies.keep(waiting[1].place, 550, 450);    // 50
  bodies.keep(waiting[2].place, 500, 480);    // 60
  CHECK(bodies.bytes() == 2150);
  CHECK(bodies.surplus(2150, kStart + 10s) == nullptr);
  CHECK(bodies.surplus(2149, kStart + 10s) == &waiting[1]);
  bodies.leave(waiting[1].place);
  CHECK(bodies.bytes() == 1600);
  CHECK(bodies.surplus(1599, kStart + 10s) == &waiting[2]);
  bodies.leave(waiting[2].place);
  CHECK(bodies.surplus(0, kStart + 10s) == nullptr);
  bodies.leave(waiting[0].place);
  CHECK(bodies.waiting() == 0);
  CHECK(bodies.bytes() == 0);
}

TEST_CASE("request buffers: a body that has just begun goes only among its like") {
  RequestBuffers bodies;
  std::array<Waiting, 3> waiting;
  bodies.enter(waiting[0].place, kStart);
  bodies.keep(waiting[0].place, 60000, 60000);
  bodies.enter(waiting[1].place, kStart + 9500ms);
  bodies.keep(waiting[1].place, 300, 0);
  bodies.enter(waiting[2].place, kStart + 9600ms);
  bodies.keep(waiting[2].place, 300, 10);
  CHECK(bodies.surplus(0, kStart + 10s) == &waiting[0]);
  bodies.leave(waiting[0].place);
  CHECK(bodies.surplus(0, kStart + 10s) == &waiting[1]);
  for (std::size_t i = 1; i < waiting.size(); ++i) bodies.leave(waiting[i].place);
}

TEST_CASE("reader pace: progress and rate each have their time") {
  struct Case {
    const char* what;
    std::vector<std::uint64_t> taken;  // at each look, every 15 s
    std::uint64_t min_rate;
    base::Duration timeout;
    std::vector<Pace> verdicts;
  };
  constexpr Pace kFine = Pace::fine;
  for (const Case& c : {
           Case{"nothing is taken", {0, 0}, 500, 30s, {kFine, Pace::stalled}},
           Case{"nothing, but for long", {0, 0}, 500, 600s, {kFine, Pace::slow}},
           Case{"nothing, and nothing is asked for", {0, 0, 0}, 0, 600s, {kFine, kFine, kFine}},
           Case{"a byte now and then", {1, 2}, 500, 30s, {kFine, Pace::slow}},
           Case{"as slow as is allowed", {0, 7500, 15000, 22500}, 500, 30s, {kFine, kFine, kFine, kFine}},
           Case{"a little slower", {0, 7400}, 500, 30s, {kFine, Pace::slow}},
           Case{"what came at first does not last for ever",
                {0, 90'000'000, 90'000'001, 90'000'002, 90'000'003, 90'000'004},
                500,
                30s,
                {kFine, kFine, kFine, kFine, kFine, Pace::slow}},
       }) {
    CAPTURE(c.what);
    ReaderPace pace;
    pace.begin(kStart, 0);
    CHECK(pace.watching());
    for (std::size_t i = 0; i < c.taken.size(); ++i) {
      CAPTURE(i);
      CHECK(pace.look({.now = kStart + (i + 1) * 15s,
                       .progress = c.taken[i],
                       .taken = c.taken[i],
                       .timeout = c.timeout,
                       .min_rate = c.min_rate}) == c.verdicts[i]);
    }
  }
  CHECK(ReaderPace::tick(60ms) == 60ms);
  CHECK(ReaderPace::tick(600s) == 15s);
}

}  // namespace gracevisor::proxy
