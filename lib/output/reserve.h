// Space reserved for state records on a full file system: a file that holds it and gives it up when there is
// no room for a record.
//
//   held --a record meets ENOSPC: give_up()--> given up --refill(), at once and then every 10 s--> held
//
// The size is 1 MiB, or 1 % of a small file system; less if no more is available at the moment. Thread: the
// writer's, which also writes logs, so that no log line of ours takes what was just given up.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/clock.h"

namespace gracevisor::output {

class Reserve {
 public:
  // The file is `folder`/reserve; an empty folder: no reserve. Nothing is created yet.
  Reserve(const std::filesystem::path& folder, const base::Clock& clock);

  // Reserves as much as is available.
  void refill();
  // Frees what is held: true if anything was freed.
  [[nodiscard]] bool give_up();
  // Call about once a second: tries again to reserve all of it.
  void tick();
  [[nodiscard]] std::uint64_t held() const noexcept { return held_; }

 private:
  [[nodiscard]] std::uint64_t wanted() const;

  std::filesystem::path path_;
  const base::Clock& clock_;
  std::uint64_t held_ = 0;
  bool whole_ = false;
  base::TimePoint tried_at_{};
};

}  // namespace gracevisor::output
