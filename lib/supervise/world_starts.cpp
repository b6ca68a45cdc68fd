// Which instances may start now: decide/start_limit.h decides, and the keeper must keep up.
#include "base/cpus.h"
#include "supervise/most_starts.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

std::size_t most_starts(std::optional<unsigned> configured) {
  constexpr std::size_t kForEachCpu = 2;
  return configured ? *configured : kForEachCpu * base::cpus();
}

void World::limit_starts(std::optional<unsigned> most) {
  starts_.set_most(most_starts(most));
  around_.schedule_turn();
}

bool World::ask_start(const Identity& who, decide::Urgency urgency) {
  if (may_spawn()) return starts_.ask(who, urgency);
  starts_.wait(who, urgency);
  return false;
}

void World::count_start(const Identity& who) {
  starts_.count(who);
}

void World::end_start(const Identity& who) {
  starts_.end(who);
  if (starts_.waiting() > 0) around_.schedule_turn();
}

// What the keeper has begun rings for the next turn, and so does each start that is over. A start that fails
// at once makes room for another one, so the number is bounded by what waits now.
void World::grant_starts() {
  for (std::size_t left = starts_.waiting(); left > 0 && may_spawn(); --left) {
    const std::optional<Identity> who = starts_.next();
    if (!who) return;
    decide::App* app = around_.find_app(who->app);
    if (app == nullptr || !app->on_may_start(*who)) starts_.end(*who);
  }
}

}  // namespace gracevisor::supervise
