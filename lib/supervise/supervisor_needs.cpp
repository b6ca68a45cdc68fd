// What the supervisor knows about the descriptors and ports that its apps may need.
#include <fmt/format.h>

#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {

decide::DescriptorBudget Supervisor::budget() const {
  return budget_with({}, 0);
}

decide::DescriptorBudget Supervisor::budget_with(const std::vector<const config::App*>& next,
                                                 std::size_t addresses) const {
  decide::DescriptorBudget::Demand demand{.workers = workers_, .addresses = addresses_ + addresses};
  for (const auto& [id, entry] : apps_) {
    auto changed = std::ranges::find(next, entry.app->name(), &config::App::name);
    const unsigned then = changed != next.end() ? (*changed)->instances : entry.configured.instances;
    const std::size_t instances = std::max(face(entry).config->instances, then);
    auto running = static_cast<std::size_t>(std::ranges::distance(world_->runs().of(id)));
    demand.instances += instances;
    // Those that still drain exist beside the live ones and the next ones.
    demand.processes += std::max(2 * instances, running + (next.empty() ? 0 : instances));
  }
  for (const config::App* app : next) {
    if (find_app(app->name) != nullptr) continue;
    demand.instances += app->instances;
    demand.processes += std::size_t{2} * app->instances;
  }
  return {settings_.descriptor_limit, demand};
}

std::optional<std::string> Supervisor::shortage_with(const std::vector<const config::App*>& next,
                                                     std::size_t addresses) const {
  if (const auto budget = budget_with(next, addresses); !budget.enough()) return budget.shortfall();
  std::size_t needed = 0;
  const auto count = [&needed](const config::App& app) {
    if (app.endpoint == config::EndpointKind::port) needed += app.instances;
  };
  for (const auto& [id, entry] : apps_) {
    auto changed = std::ranges::find(next, entry.app->name(), &config::App::name);
    count(changed != next.end() ? **changed : *face(entry).config);
  }
  for (const config::App* app : next) {
    if (find_app(app->name) == nullptr) count(*app);
  }
  const config::PortRange& range = settings_.config.daemon.port_range;
  const std::size_t ports = std::size_t{range.last.value()} - range.first.value() + 1;
  if (needed <= ports) return std::nullopt;
  return fmt::format("{} instances need a port each, and daemon.port_range ({}-{}) has {}", needed,
                     range.first.value(), range.last.value(), ports);
}

std::vector<std::string> Supervisor::remarks() const {
  const decide::DescriptorBudget descriptors = budget();
  std::vector<std::string> remarks = shortages_.remarks(now(), descriptors);
  if (shutdown_.begun()) {
    const std::string waits_for = shutdown_progress();
    remarks.push_back("the daemon is shutting down" + (waits_for.empty() ? "" : ": " + waits_for));
  }
  if (!descriptors.enough()) {
    remarks.push_back(descriptors.shortfall() + ": clients have " + std::to_string(descriptors.clients()) +
                      " places, and deploys are refused until it is raised");
  }
  if (std::string left = left_behind_text(); !left.empty()) remarks.push_back(std::move(left));
  for (std::string& remark : socket_check_.remarks()) remarks.push_back(std::move(remark));
  return remarks;
}

}  // namespace gracevisor::supervise
