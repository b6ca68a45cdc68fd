#include "decide/restart_policy.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <set>
#include <utility>

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace gracevisor::spawn;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = RestartPolicy::Verdict::Kind;

namespace {

constexpr ExitStatus kCrash = Exited{1};
constexpr ExitStatus kClean = Exited{0};

config::Restart settings(config::Restart::Policy policy = config::Restart::Policy::always) {
  config::Restart restart;
  restart.policy = policy;
  restart.backoff = milliseconds(500);
  restart.backoff_max = seconds(30);
  restart.stable_after = seconds(30);
  return restart;
}

void check_around(base::Duration delay, base::Duration middle) {
  CHECK(delay >= middle / 2);
  CHECK(delay <= middle * 3 / 2);
}

}  // namespace

TEST_CASE("restart policy: the delay doubles with each unstable exit up to the cap, within the jitter") {
  RestartPolicy policy(settings(), 7);
  for (base::Duration middle :
       {milliseconds(500), milliseconds(1000), milliseconds(2000), milliseconds(4000), milliseconds(8000),
        milliseconds(16000), milliseconds(30000), milliseconds(30000)}) {
    auto verdict = policy.on_exit(kCrash, std::nullopt);
    CHECK(verdict.kind == Kind::restart);
    check_around(verdict.delay, middle);
  }
  CHECK(policy.failures_in_a_row() == 8);
}

TEST_CASE("restart policy: thousands of failures in a row stay at the cap") {
  RestartPolicy policy(settings(), 7);
  for (int i = 0; i < 5000; ++i) (void)policy.on_exit(kCrash, std::nullopt);
  check_around(policy.on_exit(kCrash, std::nullopt).delay, seconds(30));
}

TEST_CASE("restart policy: delays of different seeds are spread, of the same seed they are equal") {
  std::set<base::Duration> delays;
  for (unsigned seed = 1; seed <= 20; ++seed) {
    RestartPolicy policy(settings(), seed);
    RestartPolicy same(settings(), seed);
    auto delay = policy.on_exit(kCrash, std::nullopt).delay;
    CHECK(delay == same.on_exit(kCrash, std::nullopt).delay);
    delays.insert(delay);
  }
  CHECK(delays.size() == 20);
}

TEST_CASE("restart policy: the jitter reaches both ends of its range") {
  base::Duration least = seconds(9);
  base::Duration most{};
  for (unsigned seed = 0; seed < 1000; ++seed) {
    RestartPolicy policy(settings(), seed);
    auto delay = policy.on_exit(kCrash, std::nullopt).delay;
    check_around(delay, milliseconds(500));
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  CHECK(least < milliseconds(260));
  CHECK(most > milliseconds(740));
}

TEST_CASE("restart policy: no pause is longer than backoff_max, with its jitter") {
  config::Restart short_pauses = settings();
  short_pauses.backoff_max = milliseconds(700);
  RestartPolicy policy(short_pauses, 3);
  base::Duration most{};
  for (int i = 0; i < 1000; ++i) most = std::max(most, policy.on_exit(kCrash, std::nullopt).delay);
  CHECK(most == milliseconds(700));
}

TEST_CASE("restart policy: a healthy life of stable_after forgets the failures before it") {
  RestartPolicy policy(settings(), 1);
  for (int i = 0; i < 6; ++i) (void)policy.on_exit(kCrash, std::nullopt);
  CHECK(policy.crash_looping());
  auto verdict = policy.on_exit(kCrash, seconds(30));
  CHECK(verdict.kind == Kind::restart);
  check_around(verdict.delay, milliseconds(500));
  CHECK(policy.failures_in_a_row() == 0);
  CHECK_FALSE(policy.crash_looping());
}

TEST_CASE("restart policy: a healthy life that is too short counts as unstable") {
  RestartPolicy policy(settings(), 1);
  (void)policy.on_exit(kCrash, seconds(30) - base::Duration(1));
  CHECK(policy.failures_in_a_row() == 1);
  check_around(policy.on_exit(kCrash, seconds(29)).delay, milliseconds(1000));
}

TEST_CASE("restart policy: a crash loop begins with the fifth failure in a row") {
  RestartPolicy policy(settings(), 1);
  for (int i = 0; i < 4; ++i) (void)policy.on_exit(kCrash, std::nullopt);
  CHECK_FALSE(policy.crash_looping());
  (void)policy.on_exit(kCrash, std::nullopt);
  CHECK(policy.crash_looping());
}

TEST_CASE("restart policy: the max_failures-th unstable exit in a row is fatal") {
  config::Restart limited = settings();
  limited.max_failures = 3;
  RestartPolicy policy(limited, 1);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::fatal);

  policy.forget();
  CHECK(policy.failures_in_a_row() == 0);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
}

TEST_CASE("restart policy: stable exits never add up to fatal") {
  config::Restart limited = settings();
  limited.max_failures = 1;
  RestartPolicy policy(limited, 1);
  for (int i = 0; i < 10; ++i) CHECK(policy.on_exit(kCrash, seconds(31)).kind == Kind::restart);
  CHECK(policy.on_exit(kCrash, seconds(29)).kind == Kind::fatal);
}

TEST_CASE("restart policy: on-failure leaves a clean exit down and restarts the others") {
  RestartPolicy policy(settings(config::Restart::Policy::on_failure), 1);
  CHECK(policy.on_exit(kClean, std::nullopt).kind == Kind::stay_down);
  CHECK(policy.on_exit(Signaled{SIGTERM}, seconds(60)).kind == Kind::stay_down);
  CHECK(policy.failures_in_a_row() == 0);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
  CHECK(policy.on_exit(Signaled{SIGSEGV, true}, std::nullopt).kind == Kind::restart);
  CHECK(policy.on_exit(SpawnFailed{}, std::nullopt).kind == Kind::restart);
}

TEST_CASE("restart policy: always restarts a clean exit too, and never restarts nothing") {
  RestartPolicy always(settings(), 1);
  CHECK(always.on_exit(kClean, std::nullopt).kind == Kind::restart);
  CHECK(always.failures_in_a_row() == 1);
  RestartPolicy never(settings(config::Restart::Policy::never), 1);
  CHECK(never.on_exit(kCrash, std::nullopt).kind == Kind::stay_down);
  CHECK(never.on_exit(kClean, seconds(99)).kind == Kind::stay_down);
}

TEST_CASE("restart policy: a back-off of nothing restarts at once") {
  config::Restart immediate = settings();
  immediate.backoff = milliseconds(0);
  RestartPolicy policy(immediate, 1);
  for (int i = 0; i < 100; ++i) CHECK(policy.on_exit(kCrash, std::nullopt).delay == base::Duration::zero());
}

TEST_CASE(
    "restart policy: what the daemon could not begin is no failure and is tried again under any policy") {
  for (auto which : {config::Restart::Policy::always, config::Restart::Policy::on_failure,
                     config::Restart::Policy::never}) {
    config::Restart restart = settings(which);
    restart.max_failures = 2;
    RestartPolicy policy(restart, 7);
    for (base::Duration middle : {milliseconds(500), milliseconds(1000), milliseconds(2000)}) {
      auto verdict = policy.on_exit(SpawnFailed{SpawnStage::pipe, EMFILE}, std::nullopt);
      CHECK(verdict.kind == Kind::restart);
      check_around(verdict.delay, middle);
    }
    CHECK(policy.failures_in_a_row() == 0);
    CHECK(policy.on_exit(SpawnFailed{SpawnStage::exec, ENOENT}, std::nullopt).kind ==
          (which == config::Restart::Policy::never ? Kind::stay_down : Kind::restart));
    auto after = policy.on_exit(SpawnFailed{SpawnStage::spawn, EAGAIN}, std::nullopt);
    check_around(after.delay, milliseconds(500));
  }
}

TEST_CASE("restart policy: what each policy makes of each way to end") {
  using Policy = config::Restart::Policy;
  struct Row {
    ExitStatus status;
    bool always;
    bool on_failure;
    bool on_abnormal;
  };
  const Row rows[] = {
      {Exited{0}, true, false, false},
      {Exited{3}, true, false, false},  // one of success_exit_codes
      {Exited{1}, true, true, false},
      {Signaled{SIGTERM, false}, true, false, false},
      {Signaled{SIGSEGV, true}, true, true, true},
      {Signaled{SIGKILL, false}, true, true, true},
      {SpawnFailed{SpawnStage::exec, ENOENT}, true, true, true},
      {Unknown{}, true, true, true},
  };
  for (const Row& row : rows) {
    CAPTURE(text(row.status));
    for (const auto& [policy, again] :
         {std::pair(Policy::always, row.always), std::pair(Policy::on_failure, row.on_failure),
          std::pair(Policy::on_abnormal, row.on_abnormal), std::pair(Policy::never, false)}) {
      CAPTURE(static_cast<int>(policy));
      config::Restart restart = settings(policy);
      restart.success_exit_codes = {0, 3};
      const auto verdict = RestartPolicy(restart, 7).on_exit(row.status, std::nullopt);
      CHECK(verdict.kind == (again ? Kind::restart : Kind::stay_down));
    }
  }
}

TEST_CASE("restart policy: one that was given up is tried again after retry_fatal, and given up at once") {
  config::Restart restart = settings();
  restart.max_failures = 2;
  restart.retry_fatal = std::chrono::hours(1);
  RestartPolicy policy(restart, 7);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
  for (int i = 0; i < 3; ++i) {
    const auto verdict = policy.on_exit(kCrash, std::nullopt);
    CHECK(verdict.kind == Kind::fatal);
    CHECK(verdict.delay == std::chrono::hours(1));
  }
  // It ran long enough: what was before no longer counts.
  CHECK(policy.on_exit(kCrash, seconds(31)).kind == Kind::restart);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::restart);
  CHECK(policy.on_exit(kCrash, std::nullopt).kind == Kind::fatal);
}
