// The thread that writes to standard error, for the daemon's own log and for outputs and access logs sent
// there. It is a separate thread because the reader of standard error may stop: then only this thread waits,
// while its queue holds the apps back or drops lines (output/intake.h).
//
//   supervisor --ring--> thread <--ring-- the writer thread (access logs)
//
// Threads: the public functions are the supervisor's, except forward(), which is the writer thread's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/standard_error.h"
#include "loop/loop.h"
#include "loop/wakeup.h"
#include "output/line_ring.h"

namespace gracevisor::output {

class StderrThread {
 public:
  static constexpr std::uint64_t kForwarded = 4ULL << 20;  // bytes of access logs on their way

  // Rings `wrote` after it wrote something, if requested; that wake-up must outlive the thread.
  [[nodiscard]] static base::Expected<std::unique_ptr<StderrThread>> start(loop::Wakeup& wrote);
  StderrThread(const StderrThread&) = delete;
  StderrThread& operator=(const StderrThread&) = delete;
  ~StderrThread();

  [[nodiscard]] LineRing& ring() noexcept { return lines_; }
  void wake() noexcept { work_->ring(); }
  // What does not fit is dropped, counted, and noted before the next lines that do.
  void forward(Lines lines);
  // Writes what is queued and ends the thread: after 2 s it gives up on a reader that takes nothing, after 10
  // s on any reader. Idempotent. Afterwards do_now() works on the caller's thread.
  void finish();
  void do_now(const Lines& lines);
  // Lines given up for any reason.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.read() + refused_.read(); }

 private:
  explicit StderrThread(loop::Wakeup& wrote) : wrote_(wrote) {}
  void on_ring();
  void work(LineRing& ring);
  [[nodiscard]] bool put(std::string_view text, Source whose);

  loop::Wakeup& wrote_;
  LineRing lines_;
  LineRing forwarded_;
  std::uint64_t sent_forward_ = 0;  // bytes; the writer thread's
  Dropped not_forwarded_;           // the writer thread's
  handoff::Tally refused_;          // lines; written by the writer thread
  handoff::Tally lost_;             // lines; written by the thread
  handoff::Tally finish_;           // written by the supervisor: 1 after its last push
  base::StandardError out_;
  Seam seam_;
  Dropped dropped_;                         // not yet noted
  std::optional<base::TimePoint> over_at_;  // set when the daemon is ending
  bool gave_up_ = false;
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<loop::Wakeup> work_;
  std::thread thread_;
};

}  // namespace gracevisor::output
