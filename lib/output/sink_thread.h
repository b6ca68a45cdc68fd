// The thread that sends lines to syslog and journald. A thread of its own because each sink has a queue that
// holds its apps back by itself (output/intake.h): a reader that stops holds up neither files nor the other
// sinks. It waits for all of them in one poll().
//
//   supervisor --a ring for each sink--> thread --datagrams--> syslog, journald
//
// Threads: the public functions are the supervisor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "handoff/ring.h"
#include "handoff/tally.h"
#include "loop/wakeup.h"
#include "output/sink.h"
#include "output/troubles.h"

namespace gracevisor::output {

class SinkThread {
 public:
  static constexpr std::size_t kNew = 64;  // sinks on their way to the thread, or back
  // At the end: without progress, and in all.
  static constexpr base::Duration kLastSilence = std::chrono::seconds(2);
  static constexpr base::Duration kLast = std::chrono::seconds(10);

  // Rings `news` after lines were sent, if requested, and for trouble; that wake-up must outlive the thread.
  [[nodiscard]] static base::Expected<std::unique_ptr<SinkThread>> start(
      loop::Wakeup& news, std::shared_ptr<const LogOpener> opener);
  SinkThread(const SinkThread&) = delete;
  SinkThread& operator=(const SinkThread&) = delete;
  ~SinkThread();

  // A sink for where the policy leads, until forget(); null: too many at once.
  [[nodiscard]] Sink* add(const FilePolicy& where);
  // Nothing more is put into its ring: the thread gives up what is left there, and pop_ended() has it.
  void end(Sink& sink) noexcept;
  [[nodiscard]] std::optional<Sink*> pop_ended() { return ended_.pop(); }
  // Requires that it has ended. What it lost is no longer part of lost().
  void forget(const Sink* sink);
  void wake() noexcept;
  [[nodiscard]] std::optional<Trouble> pop_trouble() { return troubles_.take(); }
  [[nodiscard]] std::uint64_t lost() const noexcept;

  // Ends the thread. Afterwards what is left may be added to the sinks, and send_rest() sends it on the
  // caller's thread: it gives up after 2 s in which nothing is taken, or 10 s.
  void finish();
  void send_rest();

 private:
  struct AtWork {
    Sink* sink;
    Sink::Next next = Sink::Next::more;
  };

  explicit SinkThread(loop::Wakeup& news) : news_(news) {}
  void run();
  [[nodiscard]] bool turn(std::optional<base::TimePoint> end);
  [[nodiscard]] bool ended(const AtWork& one);
  [[nodiscard]] std::uint64_t passed() const noexcept;

  loop::Wakeup& news_;
  LogWays ways_;
  base::SteadyClock clock_;
  base::UniqueFd bell_;  // an eventfd
  std::vector<std::unique_ptr<Sink>> sinks_;
  handoff::Ring<Sink*> new_{kNew};
  handoff::Ring<Sink*> ended_{kNew};
  Troubles troubles_;
  handoff::Tally finish_;        // written by the supervisor
  std::vector<AtWork> at_work_;  // the thread's
  std::thread thread_;
};

}  // namespace gracevisor::output
