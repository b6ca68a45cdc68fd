// One attempt's hold on an endpoint, counted in this worker's ledger cell. Invariant: it ends only after the
// attempt's upstream descriptor is closed or pooled, because the supervisor stops the instance when all cells
// are zero. So an owner declares its Lease before its Upstream, and releases them in the reverse order.
// Thread: the worker's.
#pragma once

#include <utility>

#include "proxy/bell.h"
#include "proxy/site.h"

namespace gracevisor::proxy {

class Lease {
 public:
  Lease() noexcept = default;
  // Only the Switchboard creates leases, from the current table.
  Lease(Site& site, const Bell& bell) noexcept : site_(&site), bell_(&bell) { site.cell.leases.add(); }
  Lease(Lease&& other) noexcept : site_(std::exchange(other.site_, nullptr)), bell_(other.bell_) {}
  Lease& operator=(Lease&& other) noexcept {
    if (this != &other) {
      end();
      site_ = std::exchange(other.site_, nullptr);
      bell_ = other.bell_;
    }
    return *this;
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { end(); }

  // The supervisor waits for the leases of an endpoint that is no longer a target, so it is told when one
  // ends.
  void end() noexcept {
    if (site_ == nullptr) return;
    Site& site = *std::exchange(site_, nullptr);
    site.cell.leases.subtract();
    if (!site.target) bell_->ring();
  }

  // Null without a lease.
  [[nodiscard]] Site* site() const noexcept { return site_; }

 private:
  Site* site_ = nullptr;
  const Bell* bell_ = nullptr;
};

}  // namespace gracevisor::proxy
