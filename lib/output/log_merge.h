// What a file holds and what is kept in memory, as one sequence without doubles. Plain lines of a file say
// neither when nor by whom; memory knows it of the newest ones. So a line of the file that is also in memory
// is recognised by its text, the newest first, and is shown once, as memory knows it. That holds however the
// file was rotated, copied or truncated from outside. A kept line that came in
// parts may be several plain lines of the file, because those of others came in between: these are shown as
// the one that it was. Of two equal lines either may be taken for the other: nobody could tell. Pure. Thread:
// any; values.
#pragma once

#include <vector>

#include "output/log_line.h"

namespace gracevisor::output {

struct MergedLine {
  base::WallTime order;  // its time; of a line without one, that of the next line of its file that has one
  FileLine line;
};

// Both oldest first; of `kept` every line has a time. Sorted by `order`: what a file holds stays in its
// order, and lines without a time come before all others if no line of their file has one.
[[nodiscard]] std::vector<MergedLine> merge(std::vector<FileLine> file, std::vector<FileLine> kept);

}  // namespace gracevisor::output
