// Space for state records on a file system that is full: a file that holds it, and gives it up when a record
// finds no room.
//
//   held --a record meets ENOSPC: give_up()--> given up --refill(), at once and then every 10 s--> held
//
// The size is 1 MiB, or 1 % of a small file system; less where no more is to be had at the moment. Thread:
// the writer's, which is the one that writes logs, too: no line of ours takes what was just given up.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/clock.h"

namespace gracevisor::output {

class Reserve {
 public:
  // The file is `folder`/reserve; an empty folder: no reserve. Nothing is created yet.
  Reserve(const std::filesystem::path& folder, const base::Clock& clock);

  // Holds as much as there is.
  void refill();
  // Frees what is held: true when that was anything.
  [[nodiscard]] bool give_up();
  // Once a second or so: tries again to hold all of it.
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
