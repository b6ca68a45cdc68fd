#include "config/config.h"

#include <algorithm>

namespace gracevisor::config {

const App* Config::find_app(std::string_view name) const {
  auto it = std::find_if(apps.begin(), apps.end(), [&](const App& app) { return app.name == name; });
  return it == apps.end() ? nullptr : &*it;
}

const Listener* Config::find_listener(std::string_view name) const {
  auto it = std::find_if(listeners.begin(), listeners.end(),
                         [&](const Listener& listener) { return listener.name == name; });
  return it == listeners.end() ? nullptr : &*it;
}

Millis shutdown_timeout(const Daemon& daemon, const std::vector<const App*>& apps) {
  if (daemon.shutdown_timeout) return *daemon.shutdown_timeout;
  Millis longest{0};
  for (const App* app : apps) {
    Millis needed = is_routed(app->endpoint) ? app->drain_timeout() : Millis(0);
    for (const StopStep& step : app->stop.ladder) needed += step.wait;
    longest = std::max(longest, needed);
  }
  return longest + Millis(10000);
}

}  // namespace gracevisor::config
