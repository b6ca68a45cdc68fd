// Reads back what a log's file and its old files hold, from the newest line to older ones, a slice of 256 KiB
// at a time, so that writing goes on in between. It finds the newest lines that a query asks for, and stops
// when it has them, when what follows is too old, or when the files end.
//
// Where a query asks for what plain lines do not say, 4 MiB without a line that says it end the reading as
// well; and so does its budget, so that no file, however large, keeps others from being read.
//
//   step(): open FILE -> slices from its end -> open FILE.1 -> ... -> two numbers missing in a row: done
//
// A compressed old file, FILE.1.gz, is inflated first (inflater.h), unless it is too old; its bytes count
// in the budget in either form, and again when they are read. One that cannot be, or becomes too large, ends
// the reading with a remark.
//
// The records that are parts of a line become one before it is searched. A gap in the file ends what went on
// before it.
//
// A file that is renamed meanwhile is read on, and not once more under its new name; one that is truncated is
// left. Files are opened as LogOpener allows: one that may not be, or that cannot be read, ends the reading
// with a remark. Thread: the writer's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "output/backward_lines.h"
#include "output/inflater.h"
#include "output/lines.h"
#include "output/log_line.h"
#include "output/log_opener.h"

namespace gracevisor::output {

enum class LogKind : std::uint8_t { output, access, daemon };

struct LogQuery {
  std::size_t lines = 100;        // the newest so many, at most
  std::size_t bytes = 8UL << 20;  // and as many bytes of them, at most
  std::optional<base::WallTime> since;
  std::optional<base::WallTime> until;
  std::string grep;                         // a fixed string; empty: every line
  LogStream stream = LogStream::unknown;    // unknown: both
  std::vector<std::string> instances = {};  // "43.1", or a generation, "43"; empty: all
  std::vector<std::string> apps = {};       // of an access log, no line that names another; empty: all

  [[nodiscard]] bool wants(LogStream of) const noexcept {
    return stream == LogStream::unknown || stream == of;
  }
  [[nodiscard]] bool wants(base::WallTime time) const noexcept {
    return (!since || time >= *since) && (!until || time <= *until);
  }
  [[nodiscard]] bool wants_instance(const std::string& name) const;
  // All of it; a line that has no time is of any.
  [[nodiscard]] bool wants(LogStream of, const std::string& instance, const std::string& text,
                           std::optional<base::WallTime> time) const;
};

struct LogReading {
  FilePolicy policy;
  LogKind kind = LogKind::output;
  std::string app;                        // whose records there are
  LogStream stream = LogStream::unknown;  // of every line; unknown: of both
  LogQuery query;
};

struct LogRead {
  std::vector<FileLine> lines;  // oldest first
  std::uint64_t untold = 0;     // left out, because they do not say the time, instance or stream asked for
  bool any = false;             // there is at least one line
  std::vector<std::size_t> untold_texts;  // std::hash of the newest of these, at most kMostTexts
  bool gave_up = false;                   // so many that what is before them was not looked at
  bool cut = false;                       // there would be more than LogQuery::bytes
  std::uint64_t nameless = 0;             // lines of an access log that name no app, because of their format
  std::size_t bytes = 0;                  // of `lines`, as LogQuery::bytes bounds them
  std::string spent;                      // "256 MiB" or "10 s": the budget, after which it gave up
  std::string trouble;                    // why a file could not be read; empty: all could
};

class LogReader {
 public:
  static constexpr std::size_t kSlice = 256UL << 10;
  static constexpr unsigned kMostFiles = 1000;
  static constexpr std::size_t kMostUntold = 4UL << 20;  // bytes of lines in a row
  static constexpr std::size_t kMostTexts = 20'000;
  // Lines of several apps and streams are not in the order of their times, and a clock may have been wrong
  // for a while: so much that is too old, in a row, is needed to tell that all before is.
  static constexpr std::size_t kMostOld = 1000;
  static constexpr std::size_t kMostOldBytes = 1UL << 20;
  static constexpr std::size_t kMostOpen = 256;  // streams of which a line waits for its earlier parts

  // What a reading may take.
  struct Budget {
    std::uint64_t bytes = 256ULL << 20;  // that are read
    base::Duration work = std::chrono::seconds(10);
  };

  LogReader(LogReading what, std::shared_ptr<const LogOpener> opener)
      : LogReader(std::move(what), std::move(opener), Budget()) {}
  LogReader(LogReading what, std::shared_ptr<const LogOpener> opener, Budget budget)
      : what_(std::move(what)), opener_(std::move(opener)), budget_(budget) {}

  // Beside its text and its instance, for the bounds on lines.
  static constexpr std::size_t kPerLine = 64;
  [[nodiscard]] static std::size_t size_of(const FileLine& line) noexcept {
    return line.text.size() + line.instance.size() + kPerLine;
  }

  // Opens a file, or reads one slice. False: done.
  [[nodiscard]] bool step();
  // After that.
  [[nodiscard]] LogRead take();

 private:
  [[nodiscard]] bool spend();
  [[nodiscard]] bool open_next();
  [[nodiscard]] bool begin_file(base::UniqueFd opened, bool compressed);
  [[nodiscard]] bool inflate();
  void give_up_compressed(const base::Error& why);
  [[nodiscard]] bool read_slice();
  [[nodiscard]] bool take_line(std::string_view line, bool cut);
  [[nodiscard]] FileLine look_at(std::string_view line, bool cut) const;
  [[nodiscard]] bool is_of_others(std::string_view line);
  // Of a line or a part of one. False: enough.
  [[nodiscard]] bool put(FileLine&& line);
  [[nodiscard]] bool put_record(FileLine&& record);
  [[nodiscard]] bool put_whole(FileLine&& line, std::uint64_t place);
  [[nodiscard]] bool finish_open();
  void note_untold(std::string_view line);
  // Does the line say what the query asks for?
  [[nodiscard]] bool tells(const FileLine& line) const;
  // Is one that does asked for?
  [[nodiscard]] bool wanted(const FileLine& line) const;
  [[nodiscard]] bool too_old(base::WallTime time) const;
  // Counts such a line. False: all before is too old.
  [[nodiscard]] bool pass_old(std::string_view line);

  LogReading what_;
  std::shared_ptr<const LogOpener> opener_;
  Budget budget_;                       // what is left
  unsigned next_ = 0;                   // number of the file that is opened next
  unsigned missing_ = 0;                // numbers in a row
  std::unique_ptr<Inflater> inflater_;  // of a compressed one
  base::UniqueFd fd_;                   // of the file that is read
  std::uint64_t left_ = 0;              // bytes of it that are not read yet
  std::vector<std::pair<dev_t, ino_t>> seen_;
  BackwardLines lines_;
  std::string slice_;
  std::size_t bytes_ = 0;   // found
  std::size_t untold_ = 0;  // bytes in a row
  std::size_t old_ = 0;     // lines in a row
  std::size_t old_bytes_ = 0;
  // Records of which earlier parts may follow, each with the place of its oldest part.
  struct Open {
    std::uint64_t place = 0;
    FileLine line;
  };
  std::map<std::pair<std::string, LogStream>, Open> open_;
  std::uint64_t place_ = 0;            // of the line that was read last: 1 is the newest
  std::vector<std::uint64_t> places_;  // of the lines that are found
  LogRead found_;                      // newest first, but for those that had to wait
};

}  // namespace gracevisor::output
