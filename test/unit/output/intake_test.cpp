#include "output/intake.h"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

using namespace gracevisor;
using output::Intake;
using State = Intake::State;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kFull = Intake::kFull;
constexpr std::uint64_t kRoom = Intake::kRoom;

struct Step {
  int at_ms;
  std::uint64_t queued;
  std::uint64_t written;
  State expected;
};

void check(const std::vector<Step>& steps) {
  Intake intake;
  for (const Step& step : steps) {
    CAPTURE(step.at_ms);
    base::TimePoint now{std::chrono::hours(1) + milliseconds(step.at_ms)};
    CHECK(intake.look(step.queued, step.written, now) == step.expected);
    CHECK(intake.state() == step.expected);
  }
}

}  // namespace

TEST_CASE("intake: it is full at the bound and open again at half of it") {
  check({{0, 0, 0, State::open},
         {1, kFull - 1, 0, State::open},
         {2, kFull, 0, State::full},
         {3, kRoom + 1, kFull - kRoom - 1, State::full},
         {4, kRoom, kFull - kRoom, State::open},
         {5, kFull - 1, kFull, State::open}});
}

TEST_CASE("intake: a writer that is slow is waited for however long it takes") {
  std::vector<Step> steps{{0, 0, 0, State::open}, {1, kFull, 0, State::full}};
  for (int i = 1; i <= 100; ++i)
    steps.push_back({i * 1900, kFull, static_cast<std::uint64_t>(i), State::full});
  check(steps);
}

TEST_CASE("intake: a writer that does nothing for two seconds is stalled until it moves") {
  check({{0, 0, 0, State::open},
         {10, kFull, 0, State::full},
         {1999, kFull, 0, State::full},
         {2000, kFull, 0, State::stalled},
         {9000, kFull, 0, State::stalled},
         {9001, kFull - 1, 1, State::full},
         {11000, kFull - 1, 1, State::full},
         {11001, kFull - 1, 1, State::stalled},
         {11002, kRoom, kFull, State::open}});
}

TEST_CASE("intake: time in which there was nothing to write is no stall") {
  check({{0, 0, 0, State::open},
         {60000, 0, 0, State::open},
         {60001, kFull, 0, State::full},
         {61999, kFull, 0, State::full},
         {62000, kFull, 0, State::stalled}});
}
