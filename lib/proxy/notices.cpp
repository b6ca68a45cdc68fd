#include "proxy/notices.h"

#include <memory>
#include <utility>

namespace gracevisor::proxy {
namespace {
// After a failure the supervisor looks again by itself for longer than that: see decide/failure_book.h.
constexpr base::Duration kRingEvery = std::chrono::seconds(1);
}  // namespace

void Notices::shortage(handoff::Tally routing::Shortages::* what, int code) noexcept {
  (port_.shortages.*what).add();
  if (code != 0) port_.shortages.code.set(static_cast<std::uint64_t>(code));
  ring_now_and_then(shortage_told_);
}

void Notices::failure(routing::AppLedger& app, const http::Refusal& why, const routing::Endpoint* at) {
  auto letter = std::make_unique<routing::LastFailure>();
  letter->reason = why.reason;
  letter->field = why.field;
  if (at != nullptr) {
    letter->generation = at->identity.generation;
    letter->slot = at->identity.slot;
  }
  app.last_failure.put(std::move(letter));
  port_.failures.add();
  ring_now_and_then(failure_told_);
}

void Notices::ring_now_and_then(base::TimePoint& last) noexcept {
  const base::TimePoint now = loop_.now();
  if (last != base::TimePoint{} && now - last < kRingEvery) return;
  last = now;
  bell_.ring();
}

}  // namespace gracevisor::proxy
