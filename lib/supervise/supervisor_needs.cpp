// What the supervisor knows about the descriptors that its apps may need.
#include <algorithm>

#include "supervise/supervisor.h"

namespace gracevisor::supervise {

decide::DescriptorBudget Supervisor::budget() const {
  return budget_with(nullptr, 0);
}

decide::DescriptorBudget Supervisor::budget_with(const config::App* next, std::size_t addresses) const {
  decide::DescriptorBudget::Demand demand{.workers = workers_, .addresses = addresses_ + addresses};
  bool counted = next == nullptr;
  for (const auto& [id, entry] : apps_) {
    std::size_t instances = std::max(face(entry).config->instances, entry.configured.instances);
    if (next != nullptr && entry.app->name() == next->name) {
      instances = std::max<std::size_t>(face(entry).config->instances, next->instances);
      counted = true;
    }
    auto running = static_cast<std::size_t>(std::ranges::distance(world_->runs_of(id)));
    demand.instances += instances;
    // Those that still drain exist beside the live ones and the next ones.
    demand.processes += std::max(2 * instances, running + (next != nullptr ? instances : 0));
  }
  if (!counted) {
    demand.instances += next->instances;
    demand.processes += std::size_t{2} * next->instances;
  }
  return {settings_.descriptor_limit, demand};
}

std::vector<std::string> Supervisor::remarks() const {
  decide::DescriptorBudget now = budget();
  std::vector<std::string> remarks = shortages_.remarks(world_->now(), now);
  if (!now.enough()) {
    remarks.push_back(now.shortfall() + ": clients have " + std::to_string(now.clients()) +
                      " places, and deploys are refused until it is raised");
  }
  for (std::string& remark : socket_check_.remarks()) remarks.push_back(std::move(remark));
  return remarks;
}

}  // namespace gracevisor::supervise
