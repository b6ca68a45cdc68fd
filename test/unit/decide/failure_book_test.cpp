#include "decide/failure_book.h"

#include <doctest/doctest.h>

namespace gracevisor::decide {
namespace {

using namespace std::chrono_literals;
using http::Reason;
using routing::LastFailure;

const base::AppId kWeb(1);
const base::AppId kApi(2);

LastFailure failure(Reason reason, std::string field = "") {
  return {.reason = reason,
          .field = std::move(field),
          .generation = base::GenerationId(3),
          .slot = base::Slot(1)};
}

}  // namespace

TEST_CASE("failure book: the first failure is told at once with its rule and field and instance") {
  FailureBook book;
  base::TimePoint now{1h};
  CHECK_FALSE(book.take_line(kWeb, "web", 0, now));
  CHECK(book.poll(1, now));
  book.note(kWeb, failure(Reason::two_lengths, "Content-Length"));
  CHECK(book.take_line(kWeb, "web", 1, now) ==
        "failed app=web instance=3.1 reason=two-lengths field=Content-Length requests=1");
  CHECK_FALSE(book.take_line(kWeb, "web", 1, now));
}

TEST_CASE("failure book: an app is told of at most once in ten seconds, with what came last and how many") {
  FailureBook book;
  base::TimePoint now{1h};
  book.note(kWeb, failure(Reason::upstream_timeout));
  REQUIRE(book.take_line(kWeb, "web", 2, now));
  book.note(kWeb, failure(Reason::bare_lf));
  book.note(kWeb, {.reason = Reason::hold_timeout, .field = {}, .generation = {}, .slot = {}});
  now += FailureBook::kQuiet - 1ms;
  CHECK_FALSE(book.take_line(kWeb, "web", 9, now));
  CHECK(book.waiting(now));
  // Each app has a time of its own.
  book.note(kApi, failure(Reason::drained));
  CHECK(book.take_line(kApi, "api", 4, now) == "failed app=api instance=3.1 reason=drained requests=4");
  now += 1ms;
  CHECK(book.take_line(kWeb, "web", 9, now) == "failed app=web reason=hold-timeout requests=7");
  CHECK_FALSE(book.waiting(now));
}

TEST_CASE("failure book: after a letter others may come of which nobody rings") {
  FailureBook book;
  base::TimePoint now{1h};
  CHECK_FALSE(book.poll(0, now));
  CHECK_FALSE(book.waiting(now));
  CHECK(book.poll(3, now));
  CHECK_FALSE(book.poll(3, now));
  CHECK(book.waiting(now + FailureBook::kFollow - 1ms));
  CHECK_FALSE(book.waiting(now + FailureBook::kFollow));
  CHECK(book.poll(4, now + FailureBook::kFollow));
  CHECK(book.waiting(now + FailureBook::kFollow));
}

}  // namespace gracevisor::decide
