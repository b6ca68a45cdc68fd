// The history that a request for logs is answered with: of each source what its files hold and what is in
// memory of it, merged (output/log_merge.h), and all of these in the order of time. It is made in small
// steps, and given out line by line. Pure. Thread: any one.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "output/log_merge.h"

namespace gracevisor::output {

class LogHistory {
 public:
  struct Shown {
    std::size_t source = 0;
    FileLine line;
  };
  // One of the places of a source; both oldest first.
  struct Part {
    std::vector<FileLine> file;
    std::vector<FileLine> kept;
  };

  // Of all parts of a source together, the newest so many lines are shown.
  void add(std::size_t source, std::vector<Part> parts, std::size_t lines);
  // False: all that was added is ready.
  [[nodiscard]] bool step();

  // Once it is.
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  // The oldest line; requires !empty().
  [[nodiscard]] Shown next();

 private:
  // What was merged of one part, in order.
  struct Run {
    std::size_t source;
    std::size_t number;  // in the order of add(): the first of equal times
    std::vector<MergedLine> lines;
    std::size_t next = 0;

    [[nodiscard]] const MergedLine& oldest() const { return lines[next]; }
    [[nodiscard]] std::size_t left() const noexcept { return lines.size() - next; }
  };
  struct Waiting {
    std::size_t source;
    std::vector<Part> parts;
    std::size_t lines;
    std::size_t merged = 0;  // parts
  };
  // Is its oldest line shown after that of the other? The heap has the first one on top.
  static bool is_later(const Run& a, const Run& b);
  [[nodiscard]] bool trim(std::size_t lines);
  void end_source();

  std::deque<Waiting> waiting_;
  std::optional<LogMerge> merging_;  // the next part of the first one that waits
  std::vector<Run> made_;            // of the parts of that one
  std::vector<Run> runs_;            // a heap; none is empty
  std::size_t last_number_ = 0;
};

}  // namespace gracevisor::output
