#include "gvctl/interrupt.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

using namespace gracevisor::gvctl;

TEST_CASE("interrupt: Ctrl-C is something to read, and is used up by the end of the watch") {
  sigset_t before;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &before) == 0);
  {
    auto interrupt = Interrupt::watch();
    REQUIRE(interrupt);
    pollfd readable{interrupt->descriptor(), POLLIN, 0};
    CHECK(::poll(&readable, 1, 0) == 0);
    REQUIRE(::raise(SIGINT) == 0);
    CHECK(::poll(&readable, 1, 0) == 1);
  }
  // Still here: it was not delivered afterwards. And the mask is the one from before.
  sigset_t after;
  REQUIRE(::pthread_sigmask(SIG_BLOCK, nullptr, &after) == 0);
  CHECK(sigismember(&after, SIGINT) == sigismember(&before, SIGINT));
  CHECK(sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM));
}
