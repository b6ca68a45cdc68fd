// Carries access-log lines from one worker to the writer thread: batches go down in a bounded ring, and
// emptied ones come back to be refilled. A batch itself says where it goes, so that no reference count is
// touched per batch and no table has to live until its lines are written.
//
// Both rings refuse a batch when full. If `filled` is full, or kMaxBytes are on the way, the worker drops the
// lines and counts them, and a later batch for the same file says what is missing before it. If `spent` is
// full, the writer frees the emptied batch.
// Threads: one worker pushes `filled`, pops `spent` and writes `dropped`; the writer thread pops `filled`,
// pushes `spent` and writes `taken`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "config/config.h"
#include "handoff/ring.h"
#include "handoff/tally.h"
#include "spawn/plan.h"

namespace gracevisor::routing {

// Where an app's or a listener's lines go. Immutable in a route table.
struct AccessSink {
  std::string path;  // empty: the daemon's standard error
  config::AccessFormat format = config::AccessFormat::json;
  std::uint64_t max_size = config::AppLog{}.max_size;
  unsigned keep = config::AppLog{}.keep;
  const spawn::Credentials* user = nullptr;  // the app's; see output::FilePolicy::user
  bool operator==(const AccessSink&) const = default;
};

using AccessSinkRef = std::shared_ptr<const AccessSink>;

// The sink of a configured path: null for "", standard error for "inherit".
[[nodiscard]] inline AccessSinkRef access_sink(const std::string& path, AccessSink how) {
  if (path.empty()) return nullptr;
  how.path = path == "inherit" ? std::string() : path;
  return std::make_shared<const AccessSink>(std::move(how));
}

struct AccessBatch {
  AccessSink to;
  std::string text;  // whole lines with their newlines
  // What had to be dropped before `text`.
  std::uint64_t dropped_lines = 0;
  std::uint64_t dropped_bytes = 0;
};

struct AccessLane {
  static constexpr std::size_t kBatches = 256;
  static constexpr std::size_t kSpent = 16;
  static constexpr std::uint64_t kMaxBytes = 4ULL << 20;  // of text on the way

  handoff::Ring<AccessBatch> filled{kBatches};
  handoff::Ring<AccessBatch> spent{kSpent};
  handoff::Tally taken;    // bytes of text that the writer is done with
  handoff::Tally dropped;  // lines that did not fit
};

}  // namespace gracevisor::routing
