// How the instances of an app fare: for a daemon that reattaches to them, or finds that some are missing. A
// lost or damaged record costs only counts, and probes instead of trust. Its times hold for its boot alone.
// Thread: values and pure functions, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

// To a line with its newline (JSON), and back. Of a longer cause of a failed start, only the beginning is
// kept.
[[nodiscard]] std::string to_text(const SlotsRecord& record);
[[nodiscard]] base::Expected<SlotsRecord> slots_from_text(const std::string& text);

// A journal: its number, then a line for each change. The newest of each app counts; lines that are damaged,
// or have no end, are left out.
using SlotsRecords = std::map<std::string, SlotsRecord>;  // by app
struct SlotsJournalText {
  std::uint64_t number = 0;
  SlotsRecords slots;
};
[[nodiscard]] std::string journal_head(std::uint64_t number);
[[nodiscard]] base::Expected<SlotsJournalText> journal_from_text(std::string_view text);

}  // namespace gracevisor::spec
