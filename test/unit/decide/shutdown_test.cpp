#include "decide/shutdown.h"

#include <doctest/doctest.h>

namespace gracevisor::decide {
namespace {

using Step = Shutdown::Step;
using Steps = Shutdown::Steps;
using Seen = Shutdown::Seen;

constexpr Seen kBusy{};
constexpr Seen kClosed{.closed = true};
constexpr Seen kIdle{.closed = true, .idle = true};
constexpr Seen kUnsent{.closed = true, .idle = true, .ended = true, .unsent = true};
constexpr Seen kEnded{.closed = true, .idle = true, .ended = true};

TEST_CASE("shutdown: listeners close, exchanges finish, apps drain, and then it is over") {
  Shutdown shutdown;
  CHECK_FALSE(shutdown.begun());
  CHECK(shutdown.advance(kEnded).empty());
  CHECK(shutdown.stop() == Steps{Step::close});
  CHECK(shutdown.begun());
  CHECK(shutdown.advance(kBusy).empty());
  CHECK(shutdown.advance(kClosed) == Steps{Step::end_listeners});
  CHECK(shutdown.advance(kIdle) == Steps{Step::end_listeners, Step::drain});
  CHECK(shutdown.advance(kIdle).empty());
  CHECK(shutdown.advance(kUnsent).empty());  // a client still reads
  CHECK_FALSE(shutdown.over());
  CHECK(shutdown.advance(kEnded) == Steps{Step::finish});
  CHECK(shutdown.over());
  CHECK(shutdown.advance(kEnded).empty());
  CHECK(shutdown.stop().empty());
  CHECK(shutdown.expired().empty());
}

TEST_CASE("shutdown: each further stop is one step harder, and waits for no client") {
  Shutdown shutdown;
  (void)shutdown.stop();
  CHECK(shutdown.stop() == Steps{Step::signal});
  CHECK(shutdown.stop() == Steps{Step::kill});
  CHECK(shutdown.stop() == Steps{Step::kill});
  CHECK(shutdown.advance(kUnsent) == Steps{Step::finish});
}

TEST_CASE("shutdown: a stop while apps drain signals first") {
  Shutdown shutdown;
  (void)shutdown.stop();
  (void)shutdown.advance(kIdle);
  CHECK(shutdown.stop() == Steps{Step::signal});
  CHECK(shutdown.stop() == Steps{Step::kill});
}

TEST_CASE("shutdown: a deadline signals where exchanges are not over and kills where apps are not") {
  Shutdown closing;
  (void)closing.stop();
  CHECK(closing.expired() == Steps{Step::signal});
  CHECK(closing.expired() == Steps{Step::kill});
  Shutdown stopping;
  (void)stopping.stop();
  (void)stopping.advance(kIdle);
  CHECK(stopping.expired() == Steps{Step::kill});
  CHECK(stopping.advance(kUnsent) == Steps{Step::finish});
  Shutdown serving;
  CHECK(serving.expired().empty());
}

}  // namespace
}  // namespace gracevisor::decide
