#include "supervise/listener_logs.h"

#include <utility>

namespace gracevisor::supervise {
namespace {

// As no app is called.
std::string keeper_name(const std::string& listener) {
  return "listen:" + listener;
}

}  // namespace

void ListenerLogs::settle(const Definitions& in_force) {
  std::map<std::string, Told> wanted;
  for (const auto& [name, listener] : in_force) {
    const std::string& path = listener->access_log;
    if (path.empty() || path == "inherit") continue;
    wanted.emplace(
        name, Told{path, listener->access_max_age, listener->access_total_size, listener->access_compress});
  }
  for (const auto& [name, former] : told_) {
    if (!wanted.contains(name)) writer_.keep({keeper_name(name), {}});
  }
  for (const auto& [name, told] : wanted) {
    if (const auto known = told_.find(name); known != told_.end() && known->second == told) continue;
    output::LogUpkeep upkeep{keeper_name(name), {}, told.max_age, told.total_size, told.compress};
    output::FilePolicy policy;
    policy.path = told.path;
    upkeep.add(policy);
    writer_.keep(std::move(upkeep));
  }
  told_ = std::move(wanted);
}

}  // namespace gracevisor::supervise
