#include "proxy/prober.h"

#include <algorithm>

#include "proxy/core.h"

namespace gracevisor::proxy {

void Prober::cancel_gone(const routing::RouteTable& table) {
  std::erase_if(probes_, [&](const auto& probe) {
    return std::none_of(table.probes.begin(), table.probes.end(),
                        [&](const auto& order) { return probe->runs(order); });
  });
}

void Prober::adopt(const routing::RouteTable& table, base::WorkerIndex worker, std::size_t workers) {
  for (const routing::ProbeOrder& order : table.probes) {
    if (order.endpoint->identity.app.value() % workers != worker.value()) continue;
    auto it =
        std::find_if(probes_.begin(), probes_.end(), [&](const auto& probe) { return probe->runs(order); });
    if (it == probes_.end()) {
      probes_.push_back(std::make_unique<Probe>(core_, order));
    } else {
      (*it)->update(order);
    }
  }
}

}  // namespace gracevisor::proxy
