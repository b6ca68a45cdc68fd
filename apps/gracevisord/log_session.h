// One request for logs, from what its files hold to what is written while its client follows.
//
//   reading --every file that memory does not make needless, or the thread is stuck--> sending
//   sending --history sent--> over, or following --the sources end--> over
//   any --the client leaves--> over
//
// All sources together bring at most kMostLines out of files, and as many out of memory; each has its share,
// and what it leaves is for those behind it. The files are read one after the other by the writer's thread;
// memory is looked at once all are, in the turn in which following begins, so that no line is missed or
// doubled. What is sent waits for its reader: 64 KiB in a turn, and no more before that is taken. Of further
// lines, 1 MiB may wait; beyond that they are skipped, and their number is told. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/messages.h"
#include "log_source.h"
#include "loop/timer.h"
#include "output/log_merge.h"
#include "output/writer.h"
#include "serve/response.h"

namespace gracevisor::daemon {

class LogSession {
 public:
  static constexpr std::size_t kMostWaiting = 1UL << 20;  // bytes of further lines
  static constexpr std::size_t kPiece = 64UL << 10;       // bytes sent in a turn
  static constexpr base::Duration kStuck = std::chrono::seconds(3);
  static constexpr unsigned kMostLooks = 20;  // at intervals of kStuck, for one file
  static constexpr std::size_t kMostLines = 100'000;

  struct Asked {
    std::vector<LogSource> sources;
    output::LogQuery query;  // its bytes: of all files together
    bool follow = false;
    bool all = false;          // all apps, also those that are added while they are followed
    std::string unknown = {};  // refused with this text if the files hold nothing; empty: the answer is 200
  };

  // `over` runs once, never inside a call, when the session may be destroyed.
  LogSession(loop::Loop& loop, output::Writer& writer, Asked asked, std::shared_ptr<serve::Response> response,
             std::function<void()> over);
  LogSession(const LogSession&) = delete;
  LogSession& operator=(const LogSession&) = delete;
  ~LogSession();

  void begin();
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
  struct Shown {
    std::size_t source;
    output::MergedLine line;
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
  [[nodiscard]] std::vector<output::MergedLine> lines_of(std::size_t source);
  void tell_missed();
  void follow(std::size_t source);
  void on_end(std::size_t source);
  void take(std::size_t source, const supervise::OutputLine& line);
  void send();
  // Appends the next message with its newline; false: there is none now.
  [[nodiscard]] bool take_next(std::string& piece);
  [[nodiscard]] control::LogLine message_of(const Shown& shown) const;
  void note(std::string text);
  void tell_about(const LogSource& source, const LogSource::Place& place, const output::LogRead& found);
  void tell_nothing();
  void end();

  output::Writer& writer_;
  Asked asked_;
  std::shared_ptr<serve::Response> response_;
  std::function<void()> over_;
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
  std::deque<Shown> history_;
  std::deque<std::string> further_;  // lines, as messages
  std::size_t further_bytes_ = 0;
  std::uint64_t skipped_ = 0;
  bool composed_ = false;
  std::size_t unended_ = 0;  // sources that are followed
  std::vector<Followed> followed_;
  loop::Timer sender_;
  loop::Timer watch_;
};

}  // namespace gracevisor::daemon
