// The writer thread: app output and access logs into files with rotation, state files with fsync. No disk
// stalls the supervisor or the proxy: jobs cross in bounded rings, and a full ring drops lines, counts them,
// and says so in the file later. Threads: the public functions are the supervisor's, but for wake(); the work
// runs on the writer's own thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "loop/loop.h"
#include "routing/access_lane.h"
#include "spawn/plan.h"

namespace gracevisor::output {

class LogOpener;

struct FilePolicy {
  std::filesystem::path path;  // empty: the daemon's standard error
  std::uint64_t max_size = 50ULL << 20;
  unsigned keep = 5;
  bool json = false;  // lines are JSON objects: the mark of what was dropped is one, too
  // The app's user, who may be the one to open it; null: the daemon's. Lives as long as the writer
  // (Writer::user).
  const spawn::Credentials* user = nullptr;
};

class Writer {
 public:
  // Starts the thread (all signals blocked). `supervisor` is the loop on which acknowledgements arrive.
  // `lanes` are the access logs of the workers; they outlive the writer. Without an `opener` paths are not
  // judged.
  [[nodiscard]] static base::Expected<std::unique_ptr<Writer>> start(
      loop::Loop& supervisor, std::vector<routing::AccessLane*> lanes = {},
      std::shared_ptr<const LogOpener> opener = nullptr);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  // Writes what is queued (in the lanes too: their workers have ended), then joins; `done` callbacks that did
  // not run by then never will.
  ~Writer();

  // Whole lines with their newlines, to be appended to the file of `policy`; rotated between lines. Missing
  // folders are created (0750). Beyond 8 MiB on the way lines are dropped and counted; the file then tells
  // "[gracevisor: 123 lines, 45678 bytes dropped]" at the place, or
  // {"dropped_lines":123,"dropped_bytes":45678}. The same when the disk is full or broken.
  void append(const FilePolicy& policy, std::string lines);
  // Replaces `path` atomically (mode 0600); `done` (may be empty) runs on the supervisor's loop with the
  // result, never inside this call, and must not destroy the Writer. Never dropped; if several contents for
  // one path wait, only the newest is written, and every `done` gets its result.
  void replace(const std::filesystem::path& path, std::string content,
               std::function<void(base::Expected<void>)> done);
  // Opens every file anew (external rotation).
  void reopen();
  // `who` for as long as this lives: the same pointer for the same user, group and groups.
  [[nodiscard]] const spawn::Credentials* user(const spawn::Credentials& who);
  // `tell` gets, on the supervisor's loop, each file that cannot be written any more, with the cause, and
  // each that can be again (empty cause). Set once, before the loop runs.
  using Tell = std::function<void(const std::string& path, const std::string& cause)>;
  void on_degraded(Tell tell);
  // Any thread: something is in a lane. (A lost ring costs up to a second.)
  void wake() noexcept;
  // All lines dropped so far, whatever the reason; grows.
  [[nodiscard]] std::uint64_t dropped_lines() const;

 private:
  class Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::output
