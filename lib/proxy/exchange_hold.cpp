// An exchange that waits for an instance: because none is ready, none takes a connection, or one may be
// dying.
#include <algorithm>

#include "proxy/exchange.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {
constexpr base::Duration kHoldTick = base::Millis(400);
constexpr base::Duration kFirstRefusedTick = base::Millis(50);
constexpr unsigned kRefusedDoublings = 3;
// The supervisor hears of an exit within a millisecond or two.
constexpr base::Duration kJudgementTick = base::Millis(20);
}  // namespace

// We lack the means to connect: the instance is not to blame, and another one would not help. A request that
// waits may get what another one releases.
void Exchange::starve(int code) {
  kit_.notices.shortage(&routing::Shortages::dial, code);
  let_go();
  hold(HoldFor::resources);
}

// No instance can take the request now, or none should.
void Exchange::hold(HoldFor what) {
  base::TimePoint now = kit_.loop.now();
  const routing::AppRoutes* routes = app_->routes;
  bool again = waiting_.since != base::TimePoint{};
  if (!again) waiting_.since = now;
  bool ready = what == HoldFor::ready;
  bool no_longer = routes == nullptr || now - waiting_.since >= routes->hold;
  if (no_longer) {
    answer(ready                        ? Reply::hold_timeout
           : what == HoldFor::resources ? Reply::proxy_exhausted
                                        : Reply::upstream_refused);
    return;
  }
  if (!kit_.hold_queue.enter(place_, *app_, held_.size(), options_->hold_requests, options_->hold_memory)) {
    // With a full queue the request loses the pause, not the second attempt.
    if (what == HoldFor::judgement) {
      route_again(nullptr);
    } else {
      answer(Reply::hold_full);
    }
    return;
  }
  if (!again) app_->cell->held.add();
  note_.held();
  request_ = Request::hold;
  tries_.connects_failed = 0;
  base::Duration wait = routes->hold;
  switch (what) {
    case HoldFor::ready:
      if (again) wait = std::min(wait, kHoldTick);
      break;
    case HoldFor::connection:
    case HoldFor::resources:
      wait = std::min(wait, kFirstRefusedTick * (1U << std::min(waiting_.turns, kRefusedDoublings)));
      break;
    case HoldFor::judgement: wait = std::min(wait, kJudgementTick); break;
  }
  ++waiting_.turns;
  start_deadline(wait);
  client_->reading_changed();
}

// Only if the instance is gone by then may the request be sent again.
void Exchange::doubt(const Site& site) {
  tries_.doubted = site.endpoint->identity;
  tries_.doubted_until = kit_.loop.now() + kJudgementTick;
  hold(HoldFor::judgement);
}

void Exchange::match_again() {
  kit_.hold_queue.leave(place_);
  if (tries_.doubted && still_doubted()) {
    if (kit_.loop.now() < tries_.doubted_until) {
      hold(HoldFor::judgement);
    } else {
      answer(Reply::upstream_closed);
    }
    return;
  }
  tries_.doubted.reset();
  route_again(nullptr);
}

// Is the instance that failed still in the routes?
bool Exchange::still_doubted() const noexcept {
  return std::any_of(app_->targets.begin(), app_->targets.end(),
                     [this](const Site* site) { return site->endpoint->identity == *tries_.doubted; });
}

// Also between adoptions: a refused connection may succeed without any change of the table.
void Exchange::hold_passed() {
  match_again();
}

}  // namespace gracevisor::proxy
