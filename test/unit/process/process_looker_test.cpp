#include "process/process_looker.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "loop/loop.h"

using namespace gracevisor;
using namespace gracevisor::process;

namespace {

struct Asker final : LookAsker {
  void on_look(const ProcessLook& look) override {
    ++looks;
    if (then) then(look);
  }
  int looks = 0;
  std::function<void(const ProcessLook&)> then;
};

struct Fixture {
  std::unique_ptr<loop::Loop> loop = std::move(*loop::Loop::create());
  std::unique_ptr<ProcessLooker> looker = std::make_unique<ProcessLooker>(*loop, ::getpid());
  ~Fixture() {
    looker.reset();
    CHECK(loop->close() == 0);
  }
  // Until nothing is left to do.
  void settle() { loop->run(); }
};

}  // namespace

TEST_CASE("process looker: everyone who asked gets one look, and none inside the asking") {
  Fixture f;
  Asker first;
  Asker second;
  f.looker->ask(first);
  f.looker->ask(first);
  f.looker->ask(second);
  CHECK(first.looks == 0);
  f.settle();
  CHECK(first.looks == 1);
  CHECK(second.looks == 1);
}

TEST_CASE("process looker: who forgets is not told, also by another one's look") {
  Fixture f;
  Asker a;
  Asker b;
  a.then = [&](const ProcessLook& /*look*/) { f.looker->forget(b); };
  b.then = [&](const ProcessLook& /*look*/) { f.looker->forget(a); };
  f.looker->ask(a);
  f.looker->ask(b);
  f.settle();
  CHECK(a.looks + b.looks == 1);
}

TEST_CASE("process looker: asking in a look is asking for the next one") {
  Fixture f;
  Asker asker;
  asker.then = [&](const ProcessLook& /*look*/) {
    if (asker.looks < 3) f.looker->ask(asker);
  };
  f.looker->ask(asker);
  f.settle();
  CHECK(asker.looks == 3);
}

TEST_CASE("process looker: a child of ours is adopted unless it leads an instance") {
  Fixture f;
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    for (;;) ::pause();
  }
  Asker asker;
  bool adopted = false;
  bool seen = false;
  asker.then = [&](const ProcessLook& look) {
    seen = look.table().find(child) != nullptr && look.table().find(::getpid()) != nullptr;
    adopted = false;
    for (const auto* entry : look.adopted()) adopted = adopted || entry->pid == child;
  };
  f.looker->ask(asker);
  f.settle();
  CHECK(seen);
  CHECK(adopted);
  f.looker->add_leader(child);
  CHECK(f.looker->is_leader(child));
  f.looker->ask(asker);
  f.settle();
  CHECK_FALSE(adopted);
  REQUIRE(::kill(child, SIGKILL) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
}
