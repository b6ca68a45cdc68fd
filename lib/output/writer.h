// The threads that write: app output and access logs into files with rotation, state files with fsync, and
// whatever goes to standard error. Neither a disk nor a reader stalls the supervisor or the proxy: what is on
// its way is bounded in bytes. Beyond that the streams of apps are left unread, which holds the apps back;
// when nothing moves for 2 s, new lines are dropped, counted, and told in the file later. Threads: the public
// functions are the supervisor's, but for wake(); the work runs on the writer's own threads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "loop/loop.h"
#include "output/lines.h"
#include "routing/access_lane.h"
#include "spawn/plan.h"

namespace gracevisor::output {

class LogOpener;

struct WriterSettings {
  std::vector<routing::AccessLane*> lanes = {};  // the access logs of the workers; they outlive the writer
  std::filesystem::path reserve = {};            // the folder that holds space for records; empty: none
  std::shared_ptr<const LogOpener> opener = {};  // null: the paths of logs are not judged
};

class Writer {
 public:
  // Starts the threads (all signals blocked). `supervisor` is the loop on which acknowledgements arrive.
  [[nodiscard]] static base::Expected<std::unique_ptr<Writer>> start(loop::Loop& supervisor,
                                                                     WriterSettings settings = {});
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  // Writes what is queued (in the lanes too: their workers have ended), then joins; `done` callbacks that did
  // not run by then never will. A reader of standard error that takes nothing is given up after 2 s.
  ~Writer();

  // Bytes to be appended to the file of `policy` as they are; rotated between lines. Missing folders are
  // created. Without a source they are whole lines with their newlines; a source goes on where it left off,
  // and a newline is put in front of another one's bytes when that is in the middle of a line. What is
  // dropped, on its way or by a disk that is full or broken, is told at its place:
  // "[gracevisor: 123 lines, 45678 bytes dropped]", or {"dropped_lines":123,"dropped_bytes":45678}.
  void append(const FilePolicy& policy, std::string_view text, Source source = {});
  // The same for a line that must be on its way when this returns: what follows may be the daemon's end.
  void append_now(const FilePolicy& policy, std::string_view text);
  // May the streams whose bytes go there be read? False until on_room.
  [[nodiscard]] bool takes(const FilePolicy& policy) const noexcept;
  // Runs, on the supervisor's loop and never inside another call, when streams may be read again.
  void on_room(std::function<void()> room);
  // A stream's number, never given again.
  [[nodiscard]] Source new_source() noexcept;
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
