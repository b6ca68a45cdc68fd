#include "proxy/prober.h"

#include "proxy/kit.h"

namespace gracevisor::proxy {

void Prober::cancel_gone(const routing::RouteTable& table) {
  for (const routing::ProbeOrder& order : table.probes) {
    auto it = running_.find(order.endpoint.get());
    if (it != running_.end() && it->second.probe->runs(order)) it->second.listed = table.epoch;
  }
  std::erase_if(running_, [&](const auto& entry) { return entry.second.listed != table.epoch; });
}

void Prober::adopt(const routing::RouteTable& table, base::WorkerIndex worker, std::size_t workers) {
  for (const routing::ProbeOrder& order : table.probes) {
    if (order.endpoint->identity.app.value() % workers != worker.value()) continue;
    Running& running = running_[order.endpoint.get()];
    if (!running.probe) {
      running.probe = std::make_unique<Probe>(kit_, order);
    } else {
      running.probe->update(order);
    }
  }
}

}  // namespace gracevisor::proxy
