// Divides up the process's limit of open files. What the daemon itself, its instances and the control socket
// may need is set aside, and the rest is for clients: however many connect, a crashed instance can be
// replaced and gvctl is answered.
//
//   need = 64 for the daemon + 8 per process + 16 for the control socket + 2 x 128 connections
//
// A process is an instance, or the one that a deploy starts beside it. The number of processes is that of the
// running ones, or twice that of the configured instances, whichever is greater. The daemon's 64 grow with
// many workers and addresses, since each worker has its own loop, and its own socket per address. Thread:
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "routing/room.h"

namespace gracevisor::decide {

class DescriptorBudget {
 public:
  struct Demand {
    std::size_t workers = 1;
    std::size_t addresses = 0;  // listened on
    std::size_t instances = 0;  // that serve, or should
    std::size_t processes = 0;  // including a deploy's; counted as at least twice the instances
  };
  static constexpr std::uint64_t kNoLimit = UINT64_MAX;

  DescriptorBudget() = default;
  DescriptorBudget(std::uint64_t limit, const Demand& demand) noexcept;

  [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::uint64_t need() const noexcept;
  [[nodiscard]] bool enough() const noexcept { return need() <= limit_; }
  // Clients that may be connected at the same time, over all workers. If the limit is below the need, this is
  // what is left when no deploy runs, and deploys must be refused; at least an eighth of the limit, and one
  // for each worker.
  [[nodiscard]] std::size_t clients() const noexcept;
  // One worker's part.
  [[nodiscard]] routing::Room room() const noexcept;
  // Connections that the control socket may have open.
  [[nodiscard]] std::size_t control() const noexcept;
  // "the limit of open files (RLIMIT_NOFILE) is 1024, and 2768 are needed for 152 instances"
  [[nodiscard]] std::string shortfall() const;

 private:
  [[nodiscard]] std::uint64_t own() const noexcept;
  [[nodiscard]] std::uint64_t beyond_need() const noexcept { return limit_ - need(); }

  std::uint64_t limit_ = kNoLimit;
  Demand demand_;
};

}  // namespace gracevisor::decide
