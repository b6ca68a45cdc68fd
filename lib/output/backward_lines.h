// The lines of a file from the last to the first, out of slices that are read from its end to its beginning.
// A line that is longer than kMost is cut: its beginning is kept. Pure. Thread: any one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "output/log_line.h"

namespace gracevisor::output {

class BackwardLines {
 public:
  // Bytes of a line: enough for a record of kMostText, whatever JSON makes of them.
  static constexpr std::size_t kMost = 6 * kMostText + 1024;

  // Takes a line without its newline, valid during the call, and whether it was longer. False: enough.
  using OnLine = std::function<bool(std::string_view line, bool cut)>;

  // `slice` lies directly before what was added last. False: the receiver has enough.
  [[nodiscard]] bool add(std::string_view slice, const OnLine& on_line);
  // The file begins here. It may be used for another one then.
  [[nodiscard]] bool begin_of_file(const OnLine& on_line);

 private:
  void put_before(std::string_view piece);
  [[nodiscard]] bool emit(const OnLine& on_line);

  std::string line_;  // what is known of the line whose beginning has not been seen
  bool cut_ = false;  // some of it is left out
  bool any_ = false;  // anything was added: an empty line_ is a line then
};

}  // namespace gracevisor::output
