// Which children of its own a keeper reaps, by each of the ways in which it looks for them.
#include "strangers.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

namespace gracevisor::keeper {
namespace {

bool contains(const void* pids, pid_t pid) {
  const auto& all = *static_cast<const std::vector<pid_t>*>(pids);
  return std::find(all.begin(), all.end(), pid) != all.end();
}

// A child that has ended and stays a zombie.
pid_t zombie() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(pid > 0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  return pid;
}

bool is_child(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

struct Family {
  std::vector<pid_t> known;
  std::vector<pid_t> strangers;
  Family() {
    for (int i = 0; i < 20; ++i) {
      known.push_back(zombie());
      strangers.push_back(zombie());
    }
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    for (const pid_t pid : known) CHECK(::waitpid(pid, nullptr, WNOHANG) == pid);
  }
  [[nodiscard]] Known who() const { return {&contains, &known}; }
  void check_reaped() const {
    for (const pid_t pid : known) CHECK(is_child(pid));
    for (const pid_t pid : strangers) CHECK_FALSE(is_child(pid));
  }
};

TEST_CASE("keeper strangers: behind a known zombie they are found in the list of children") {
  Family family;
  int reaped = 0;
  for (int now = 0; (now = reap_listed(family.who())) != 0; reaped += now) REQUIRE(now > 0);
  CHECK(reaped == 20);
  family.check_reaped();
}

TEST_CASE("keeper strangers: a kernel without such a list has every process looked at") {
  Family family;
  CHECK(reap_found(family.who()) == 20);
  CHECK(reap_found(family.who()) == 0);
  family.check_reaped();
}

TEST_CASE("keeper strangers: all of them are reaped, and what is known stays") {
  Family family;
  while (reap_strangers(family.who())) {
  }
  family.check_reaped();
}

TEST_CASE("keeper strangers: one that lives is left alone") {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  REQUIRE(pid > 0);
  const std::vector<pid_t> none;
  CHECK_FALSE(reap_strangers({&contains, &none}));
  CHECK(reap_listed({&contains, &none}) == 0);
  CHECK(is_child(pid));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(::waitpid(pid, nullptr, 0) == pid);
}

}  // namespace
}  // namespace gracevisor::keeper
