// How the instances of an app fare, in one small file per app, <state_dir>/apps/NAME.slots: for a daemon that
// reattaches to them, or finds that some are missing. It is replaced atomically at each change, but need not
// reach the disk: a lost or damaged file costs only counts, and probes instead of trust. Its times hold for
// its boot alone. Thread: values and pure functions, any thread; load_slots() reads the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/boot_clock.h"
#include "base/error.h"
#include "base/strong.h"
#include "spawn/exit_status.h"

namespace gracevisor::spec {

enum class SlotState : std::uint8_t {
  starting,   // not healthy so far
  healthy,    // or was, until it was kept ready during a guard
  unhealthy,  // was healthy, and fails its probes
  replacing,  // ends in order to be started again
  backoff,    // starts again at `restart_at`
  resting,    // has ended, and is not started again by its restart policy
  fatal,      // given up
};

struct SlotRecord {
  base::GenerationId generation = {};
  base::Slot slot = {};
  base::Incarnation incarnation = {};  // the newest
  SlotState state = SlotState::starting;
  unsigned failures = 0;  // in a row
  unsigned restarts = 0;
  base::BootTime restart_at = {};  // backoff
  std::optional<spawn::ExitStatus> last_exit = {};
  bool operator==(const SlotRecord&) const = default;
};

// Each slot of a generation at most once. Slots in which nothing is wanted any more are left out.
struct SlotsRecord {
  std::string app;
  std::string boot;  // boot_id()
  std::vector<SlotRecord> slots = {};
  bool operator==(const SlotsRecord&) const = default;

  // Null: it has none.
  [[nodiscard]] const SlotRecord* find(base::GenerationId generation, base::Slot slot) const;
};

// To the file's content (JSON), and back. Of a longer cause of a failed start, only the beginning is kept.
[[nodiscard]] std::string to_text(const SlotsRecord& record);
[[nodiscard]] base::Expected<SlotsRecord> slots_from_text(const std::string& text);

[[nodiscard]] std::filesystem::path slots_path(const std::filesystem::path& state_dir,
                                               const std::string& app);
[[nodiscard]] base::Expected<SlotsRecord> load_slots(const std::filesystem::path& state_dir,
                                                     const std::string& app);

}  // namespace gracevisor::spec
