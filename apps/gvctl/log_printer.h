// The lines of logs as text: "web@43.1  the line", the prefix in a colour of its own on a terminal. Thread:
// the program's.
#pragma once

#include <string>
#include <string_view>

#include "control/messages.h"
#include "gvctl/style.h"

namespace gracevisor::gvctl {

class LogPrinter {
 public:
  struct How {
    Style style;
    bool time = false;
    bool terminal = false;  // control characters are escaped, colours pass, prefixes are aligned
    bool prefix = true;     // false: only one source is shown, and not to a person
  };
  // `app`: of lines that do not name it.
  LogPrinter(std::string app, const How& how) : app_(std::move(app)), how_(how) {}

  // With its newline. What does not say its instance has only the app before it; what was written to standard
  // error has a red "!" behind its prefix if colours are on. A file or a pipe gets the line as it was
  // written.
  [[nodiscard]] std::string text(const control::LogLine& line);

 private:
  [[nodiscard]] std::string prefix(const control::LogLine& line);

  std::string app_;
  How how_;
  std::size_t width_ = 0;  // of the widest prefix so far
};

}  // namespace gracevisor::gvctl
