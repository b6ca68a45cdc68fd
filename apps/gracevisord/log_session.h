// One request for logs, from what its files hold to what is written while its client follows.
//
//   reading --every file that memory does not make needless, or the thread is stuck--> composing
//   composing --all sources are merged, in turns of a few milliseconds--> sending
//   sending --history sent--> over, or following --the sources end--> over
//   any --the client leaves--> over
//
// All sources together bring at most kMostLines out of files, and as many out of memory; each has its share,
// and what it leaves is for those behind it. The files are read one after the other by the writer's thread;
// the memory of a source is looked at once all are, in the turn in which following it begins, so that no line
// is missed or doubled. What is sent waits for its reader: 16 KiB in a turn, and no more before that is
// taken. Of further lines, 1 MiB may wait; beyond that they are skipped, and their number is told. Thread:
// the supervisor's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/messages.h"
#include "kept_lines.h"
#include "log_source.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "output/log_history.h"
#include "output/writer.h"
#include "serve/response.h"

namespace gracevisor::daemon {

class LogSession {
 public:
  static constexpr std::size_t kMostWaiting = 1UL << 20;  // bytes of further lines
  static constexpr std::size_t kPiece = 16UL << 10;       // bytes sent in a turn
  static constexpr base::Duration kStuck = std::chrono::seconds(3);
  static constexpr unsigned kMostLooks = 20;  // at intervals of kStuck, for one file
  static constexpr std::size_t kMostLines = 100'000;
  static constexpr base::Duration kTurn = std::chrono::milliseconds(2);

  struct Asked {
    std::vector<LogSource> sources;
    output::LogQuery query;  // its bytes: of all files together
    bool follow = false;
    bool all = false;          // all apps, also those that are added while they are followed
    std::string unknown = {};  // refused with this text if the files hold nothing; empty: the answer is 200
  };

  struct WayOut {
    // It has work() to do, in turns of its own.
    std::function<void()> wants_turn;
    // It may be destroyed, but not inside this. Once.
    std::function<void()> over;
  };
  LogSession(loop::Loop& loop, output::Writer& writer, Asked asked, std::shared_ptr<serve::Response> response,
             WayOut way_out);
  LogSession(const LogSession&) = delete;
  LogSession& operator=(const LogSession&) = delete;
  ~LogSession();

  void begin();
  // A turn of it, of about kTurn. False: there is no more.
  [[nodiscard]] bool work();
  // Are apps that are added later wanted?
  [[nodiscard]] bool takes_all() const noexcept { return asked_.follow && asked_.all; }
  // One that has written nothing yet; requires takes_all().
  void add(LogSource source);

 private:
  struct Reading {
    std::size_t source;
    std::size_t place;
    std::size_t lines = 0;      // at most
    base::WallTime begun = {};  // set once it was asked for
    output::LogRead found = {};
    bool done = false;
  };

  // What is asked of the further lines of a source.
  struct Followed {
    LogSource::Following following;
    output::LogQuery query;
    bool ended = false;
  };

  void read_next();
  void on_read(output::LogRead found);
  void look_at_thread();
  void compose();
  [[nodiscard]] bool compose_further();
  void begin_source(std::size_t source);
  void limit_next();
  void keep_further();
  void end_source(std::size_t source);
  void tell_further();
  void finish_composing();
  void note_missed(std::size_t source);
  void follow(std::size_t source);
  void on_end(std::size_t source);
  void take(std::size_t source, const supervise::OutputLine& line);
  void send();
  // Appends the next message with its newline; false: there is none now.
  [[nodiscard]] bool take_next(std::string& piece);
  [[nodiscard]] control::LogLine message_of(const output::LogHistory::Shown& shown) const;
  [[nodiscard]] static std::string lines_text(std::uint64_t count);
  // log_session_remarks.cpp
  void note(std::string text);
  void tell_about(const Reading& reading, const std::vector<output::FileLine>& kept);
  void tell_nothing();
  void tell_sinks();
  void end();

  output::Writer& writer_;
  Asked asked_;
  std::shared_ptr<serve::Response> response_;
  WayOut way_out_;
  std::vector<Reading> readings_;
  std::size_t next_reading_ = 0;
  std::uint64_t read_ = 0;  // the one under way; 0: none
  std::uint64_t steps_ = 0;
  unsigned looks_ = 0;  // while it is
  std::size_t left_;    // bytes of history that may still be read
  std::size_t lines_left_ = kMostLines;
  std::size_t memory_left_;  // bytes of it that may still come out of memory
  std::size_t memory_lines_left_ = kMostLines;
  std::deque<std::string> notes_;  // sent before the history
  output::LogHistory history_;
  std::size_t next_told_ = 0;                    // of the readings
  std::size_t next_source_ = 0;                  // to be composed
  std::optional<KeptLines> known_;               // of the reading that is told about next
  std::vector<KeptLines> keeping_;               // of the places of the last source that was begun
  std::vector<output::LogHistory::Part> parts_;  // of these, what is complete
  std::size_t line_limit_ = 0;                   // of the next one
  bool memory_cut_ = false;
  std::uint64_t left_out_ = 0;       // lines that do not say what was asked for
  std::string missed_;               // sources of which lines may be missing
  std::deque<std::string> further_;  // lines, as messages
  std::size_t further_bytes_ = 0;
  std::uint64_t skipped_ = 0;
  bool composed_ = false;
  std::size_t unended_ = 0;  // sources that are followed
  std::vector<Followed> followed_;
  loop::NextTurn sender_;
  loop::Timer watch_;
};

}  // namespace gracevisor::daemon
