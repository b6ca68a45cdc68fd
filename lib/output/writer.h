// The writing threads: app output and access logs into files with rotation, state files with fsync, what goes
// to syslog and journald (sink.h), and everything that goes to standard error. Neither a disk nor a reader
// stalls the supervisor or the proxy: the
// bytes in transit are bounded. Beyond that the apps' streams are left unread, which holds the apps back;
// when nothing moves for 2 s, new lines are dropped, counted, and noted in the file later. Threads: the
// public functions are the supervisor's, except wake(); the work runs on the writer's own threads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "loop/loop.h"
#include "output/lines.h"
#include "output/log_keeper.h"
#include "output/log_read.h"
#include "routing/access_lane.h"
#include "spawn/plan.h"

namespace gracevisor::output {

struct WriterSettings {
  std::vector<routing::AccessLane*> lanes = {};  // the workers' access logs; they must outlive the writer
  std::filesystem::path reserve = {};            // the folder for the reserved space; empty: none
  std::shared_ptr<const LogOpener> opener = {};  // null: log paths are not judged
};

class Writer {
 public:
  // Starts the threads (all signals blocked). `supervisor` is the loop on which acknowledgements arrive.
  [[nodiscard]] static base::Expected<std::unique_ptr<Writer>> start(loop::Loop& supervisor,
                                                                     WriterSettings settings = {});
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  // Writes what is queued (in the lanes too: their workers have ended), then joins; `done` callbacks that
  // have not run by then never will. After 2 s it gives up on readers of standard error and sinks that take
  // nothing.
  ~Writer();

  // Appends bytes unchanged to the file of `policy`, rotating between lines. Missing folders are created.
  // Without a source they are whole lines with their newlines; a source continues where it left off; if
  // that was in the middle of a line, a newline is put before another source's bytes. What is dropped, in
  // transit or because a disk is full or broken, is noted where it is missing:
  // "[gracevisor: 123 lines, 45678 bytes dropped]", or {"dropped_lines":123,"dropped_bytes":45678}. To a
  // sink go whole records (FilePolicy::app), without a source; each sink holds back its own apps alone.
  void append(const FilePolicy& policy, std::string_view text, Source source = {});
  // The same for a line that must be on its way when this returns, because the daemon may end right after.
  void append_now(const FilePolicy& policy, std::string_view text);
  // May the streams whose bytes go there be read? If false, wait for on_room.
  [[nodiscard]] bool takes(const FilePolicy& policy) const noexcept;
  // Runs, on the supervisor's loop and never inside another call, when streams may be read again.
  void on_room(std::function<void()> room);
  // A number for a stream, never reused.
  [[nodiscard]] Source new_source() noexcept;
  // Replaces `path` atomically (mode 0600); `done` (may be empty) runs on the supervisor's loop with the
  // result, never inside this call, and must not destroy the Writer. Never dropped; if several contents are
  // waiting for one path, only the newest is written, and every `done` gets its result.
  void replace(const std::filesystem::path& path, std::string content,
               std::function<void(base::Expected<void>)> done);
  // Reopens every file (external rotation).
  void reopen();
  // Reads back what log files hold (log_read.h), on the writer's thread between what it writes; what was
  // appended before this call is in the file then, unless it was dropped or waits for room. `done` runs on
  // the supervisor's loop, never inside this call, and must not destroy the Writer; not after cancel_read(),
  // nor while the thread is stuck.
  [[nodiscard]] std::uint64_t read(LogReading what, std::function<void(LogRead)> done);
  void cancel_read(std::uint64_t id);
  // Where an app's lines may go besides files, from now on: a sink that is no app's any more is given up once
  // it has taken everything, or after 10 s (sinks.h).
  void use_sinks(const std::string& app, const std::vector<FilePolicy>& sinks);
  // What holds for an app's old log files from now on (log_upkeep.h): looked at now, when one of them gets a
  // new old file, and every minute. Without limits: nothing any more.
  void keep(LogUpkeep upkeep);
  // Who compresses, on the supervisor's loop, one file at a time; `done` with what went wrong, if anything,
  // not inside this call. Set once, before the loop runs; without it nothing is compressed.
  using Compress = std::function<void(Compression what, std::function<void(std::string trouble)> done)>;
  void on_compress(Compress compress);
  // False: another daemon does, so no old file is listed, removed or compressed by this one, and what keep()
  // says holds later. Initially true.
  void tend_old_files(bool tend) noexcept;
  // Grows while anything is read.
  [[nodiscard]] std::uint64_t read_steps() const noexcept;
  // A copy of `who` that lives as long as this: the same pointer for the same user, group and groups.
  [[nodiscard]] const spawn::Credentials* user(const spawn::Credentials& who);
  // `tell` is called on the supervisor's loop for each file or sink that can no longer be written, with the
  // cause, and for each that can be written again (empty cause). Set once, before the loop runs.
  using Tell = std::function<void(const std::string& path, const std::string& cause)>;
  void on_degraded(Tell tell);
  // Those that cannot be written now, with the causes.
  [[nodiscard]] const std::map<std::string, std::string>& degraded() const noexcept;
  // Any thread: a lane has something. (A lost wake-up costs up to a second.)
  void wake() noexcept;
  // All lines dropped so far, for any reason; only grows.
  [[nodiscard]] std::uint64_t dropped_lines() const;

 private:
  class Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::output
