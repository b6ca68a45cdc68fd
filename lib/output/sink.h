// Lines on their way to one syslog or journald: taken from a ring, sent one message after the other, and
// never waited for. Nothing is lost while nobody listens there, as long as the ring's queue has room
// (output/intake.h): then the apps are held back, and what is dropped is told in its place.
//
//   open --nobody listens--> closed --100 ms later, then twice as long, up to 5 s--> open
//   open --sent something, then broken: its reader was started again--> opened anew at once
//
// A message that was not taken is sent again: on a stream, from its beginning. What nobody took by UDP is
// counted where the kernel says so. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "handoff/tally.h"
#include "output/line_ring.h"
#include "output/log_file.h"
#include "output/sink_message.h"
#include "output/sink_socket.h"

namespace gracevisor::output {

class Sink {
 public:
  static constexpr base::Duration kFirstRetry = std::chrono::milliseconds(100);
  static constexpr base::Duration kLastRetry = std::chrono::seconds(5);
  // A reader that takes nothing for so long is told about.
  static constexpr base::Duration kSilent = std::chrono::seconds(2);

  Sink(FilePolicy where, const base::Clock& clock, LogWays ways);

  // Filled by another thread.
  [[nodiscard]] LineRing& ring() noexcept { return ring_; }
  // What is to be sent once the ring is empty.
  void add_rest(Lines lines) { rest_.push_back(std::move(lines)); }

  enum class Next : std::uint8_t {
    nothing,   // all was sent
    more,      // others may have a turn
    writable,  // when fd() can be written
    later,     // at retry_at()
  };
  // Sends for a while.
  [[nodiscard]] Next work();
  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
  [[nodiscard]] base::TimePoint retry_at() const noexcept { return retry_at_; }
  // Counts what is left as lost.
  void give_up();
  // Another thread: nothing more comes, and end() is to follow.
  void ask_to_end() noexcept { ends_.set(1); }
  [[nodiscard]] bool asked_to_end() const noexcept { return ends_.read() != 0; }
  // Gives up what is left, and the socket.
  void end();
  // Bytes of lines dealt with; only grows.
  [[nodiscard]] std::uint64_t passed() const noexcept { return passed_; }
  // Any thread: lines lost here.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.read(); }

 private:
  [[nodiscard]] bool any();
  [[nodiscard]] bool take_batch();
  void make_message();
  [[nodiscard]] bool ready();
  [[nodiscard]] std::optional<Next> send();
  void on_sent();
  void on_full();
  [[nodiscard]] std::optional<Next> on_broken();
  void pass(bool lost);
  void close(const std::string& cause);
  void tell(const std::string& cause);
  [[nodiscard]] std::string_view local_time(base::WallTime time);

  FilePolicy where_;
  const base::Clock& clock_;
  LogWays ways_;
  LineRing ring_;
  std::deque<Lines> rest_;
  SinkSocket socket_;
  std::size_t most_text_;
  std::string host_;              // by UDP
  std::string pid_;               // the daemon's
  Lines batch_;                   // what is sent now
  bool counted_ = false;          // it came out of the ring
  std::size_t at_ = 0;            // of the record behind the one that is sent now
  std::size_t from_ = 0;          // of that one
  std::optional<SinkLine> line_;  // what is left of it
  std::string message_;           // that is to be sent next; empty: none yet
  std::string_view unsent_;       // of it
  bool is_marker_ = false;        // it tells what was dropped
  std::string marker_;
  std::size_t piece_ = 0;  // bytes of `line_` in it
  Dropped dropped_;        // not yet told
  std::uint64_t passed_ = 0;
  bool sent_any_ = false;  // since it was opened
  base::TimePoint retry_at_{};
  base::Duration backoff_ = kFirstRetry;
  std::optional<base::TimePoint> full_since_;
  base::TimePoint refused_at_{};
  std::string told_;
  std::time_t second_ = -1;  // of local_time_
  std::string local_time_;
  handoff::Tally lost_;  // written by the thread
  handoff::Tally ends_;  // written by the other one
};

}  // namespace gracevisor::output
