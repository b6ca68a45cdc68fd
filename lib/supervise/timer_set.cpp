#include "supervise/timer_set.h"

namespace gracevisor::supervise {
namespace {

base::AppId app_of(const TimerSet::Key& key) {
  if (const auto* instance = std::get_if<TimerSet::OfInstance>(&key)) return instance->first.app;
  return std::get<TimerSet::OfApp>(key).first;
}

}  // namespace

void TimerSet::arm(const Key& key, base::Duration after) {
  const std::uint64_t serial = ++serial_;
  auto timer = std::make_unique<loop::Timer>(loop_, [this, key, serial] {
    events_.add(app_of(key), [this, key, serial](decide::App& app) { fire(key, serial, app); });
  });
  timer->start(after);
  armed_[key] = Armed{std::move(timer), serial};
}

// It may have been disarmed or rearmed while its event waited.
void TimerSet::fire(const Key& key, std::uint64_t serial, decide::App& app) {
  auto it = armed_.find(key);
  if (it == armed_.end() || it->second.serial != serial) return;
  armed_.erase(it);
  if (const auto* instance = std::get_if<OfInstance>(&key)) {
    app.on_timer(instance->first, instance->second);
  } else {
    app.on_timer(std::get<OfApp>(key).second);
  }
}

}  // namespace gracevisor::supervise
