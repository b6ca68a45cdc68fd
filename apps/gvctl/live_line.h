// The last line on a terminal, which says what is being done and is replaced in place. Everything else that
// is written there comes after clear(). Thread: the program's.
#pragma once

#include <string_view>

#include "gvctl/output.h"

namespace gracevisor::gvctl {

class LiveLine {
 public:
  explicit LiveLine(Output& out) : out_(out) {}
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;
  ~LiveLine() { clear(); }

  // Can lines be replaced there?
  [[nodiscard]] bool possible() const { return out_.rewrites(); }
  // `text` has been made harmless. It is cut to the width of the terminal.
  void show(std::string_view text);
  void clear();

 private:
  Output& out_;
  bool shown_ = false;
};

}  // namespace gracevisor::gvctl
