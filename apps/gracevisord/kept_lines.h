// The newest lines in memory that a request for logs asks for, found bit by bit; parts of a line are joined.
// What comes after it was made is not in it. Thread: the supervisor's.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "output/log_read.h"
#include "output/run_sort.h"
#include "own_log.h"
#include "supervise/app_output.h"

namespace gracevisor::daemon {

// Is a line of memory asked for?
[[nodiscard]] bool wants(const output::LogQuery& query, const supervise::OutputLine& line);

class KeptLines {
 public:
  using Place = supervise::AppOutput::Place;
  // Lines that a step looks at.
  static constexpr std::size_t kStep = 256;

  // Of the streams that go to `place`. Either log may be null: then nothing of it is kept. `own` is read here
  // and then no more.
  KeptLines(std::shared_ptr<supervise::AppOutput> output, const OwnLog* own, output::LogQuery query,
            Place place);

  // Before the first step: at most so many lines, and bytes.
  void limit(std::size_t lines, std::size_t bytes);
  // False: done.
  [[nodiscard]] bool step();

  struct Found {
    std::vector<output::FileLine> lines;  // oldest first
    std::size_t bytes = 0;
    bool cut = false;  // there would be more than was allowed
  };
  // After that.
  [[nodiscard]] Found take();

 private:
  enum class Phase : std::uint8_t { look, sort, emit, over };
  using Who = std::pair<std::string, output::LogStream>;

  void look();
  // False: there are enough.
  [[nodiscard]] bool add(const supervise::OutputLine& line);
  void finish(std::optional<output::FileLine>& open);
  void begin_to_sort();
  void emit();

  std::shared_ptr<supervise::AppOutput> output_;
  std::optional<supervise::AppOutput::Cursor> cursor_;
  output::LogQuery query_;
  Place place_;
  Phase phase_ = Phase::look;
  std::map<Who, std::optional<output::FileLine>> open_;  // of which an earlier part may follow
  std::vector<output::FileLine> lines_;                  // newest first
  output::RunSort<base::WallTime> sort_;
  std::size_t next_ = 0;
  Found found_;
};

}  // namespace gracevisor::daemon
