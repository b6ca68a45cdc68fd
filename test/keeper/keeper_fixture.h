// A real gv-keeper whose daemons are the test: each stand-in (stand_in.cpp) that the keeper starts hands its
// socket over. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keeper/client.h"
#include "spawn/plan.h"
#include "support/command.h"
#include "support/temp_folder.h"

namespace gracevisor::keeper::testing {

inline constexpr std::chrono::seconds kPatience{20};

// Whether something is to be read there within that time.
[[nodiscard]] bool readable(int fd, std::chrono::milliseconds patience = kPatience);
[[nodiscard]] spawn::SpawnPlan shell(const std::string& script);
[[nodiscard]] Tag tag(std::string_view app, std::uint64_t generation, std::uint32_t slot);

// What the daemon has of a child that it had spawned.
struct Child {
  pid_t pid = 0;
  base::UniqueFd pidfd;
  base::UniqueFd out;
  base::UniqueFd report;
};

// One daemon: its process, and the test's copy of its socket.
class StandIn {
 public:
  StandIn(base::UniqueFd test, base::UniqueFd keeper, pid_t number, std::vector<std::string> arguments)
      : client(std::move(keeper)), pid(number), words(std::move(arguments)), test_(std::move(test)) {}

  Client client;
  pid_t pid;
  std::vector<std::string> words;  // its arguments

  // Waits for the next event of this kind; others are kept in the order in which they came.
  template <class E>
  E await() {
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (!std::holds_alternative<E>(kept_[i])) continue;
      E found = std::get<E>(std::move(kept_[i]));
      kept_.erase(kept_.begin() + static_cast<std::ptrdiff_t>(i));
      return found;
    }
    for (;;) {
      auto event = read();
      if (auto* wanted = std::get_if<E>(&event)) return std::move(*wanted);
      kept_.push_back(std::move(event));
    }
  }
  // The answer to an order.
  template <class E>
  E ask(const base::Expected<void>& sent) {
    INFO((sent ? std::string() : sent.error().what));
    REQUIRE(sent.has_value());
    return await<E>();
  }
  Code refusal(const base::Expected<void>& sent) { return ask<Refused>(sent).code; }
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

  // Spawns with gv-exec; the output is the child's `out`.
  SpawnOrder order_of(const Tag& who, const spawn::SpawnPlan& plan);
  Child spawn(const Tag& who, const spawn::SpawnPlan& plan);
  std::vector<ListedChild> children();
  std::vector<ListedName> names();

  void tell(const std::string& order) const;
  // The next signal that came to it.
  int signal();
  // Ends the process; the test's copy of the socket stays open until it is destroyed.
  void kill(int number = SIGKILL) const;

 private:
  Event read();

  base::UniqueFd test_;
  std::deque<Event> kept_;
  std::deque<base::UniqueFd> ends_;  // of the last order
  std::optional<base::UniqueFd> out_;
  std::optional<base::UniqueFd> report_;
};

class Keeper {
 public:
  // `files`: RLIMIT_NOFILE, soft and hard; 0: the test's.
  explicit Keeper(const std::vector<std::string>& words = {},
                  std::map<std::string, std::string> environment = {}, unsigned files = 0);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper();

  // The daemon that was started next.
  StandIn next();
  // The same, once it has said hello and serving.
  StandIn serving();
  [[nodiscard]] bool started(std::chrono::milliseconds patience) const {
    return readable(listener_.get(), patience);
  }

  [[nodiscard]] pid_t pid() const { return command_->pid(); }
  test::Command& command() { return *command_; }

 private:
  test::TempFolder folder_;
  base::UniqueFd listener_;
  std::optional<test::Command> command_;
};

// All that is written there until it ends.
[[nodiscard]] std::string read_all(int fd);
// Whether the process ended in time, by its pidfd.
[[nodiscard]] inline bool ended(const Child& child) {
  return readable(child.pidfd.get());
}
[[nodiscard]] base::UniqueFd open_null();
[[nodiscard]] bool same_file(int a, int b);

}  // namespace gracevisor::keeper::testing
