// Does something when asked, but not more often than once in a while: what is asked for meanwhile is done
// once, later. Thread: the loop's.
#pragma once

#include <functional>

#include "loop/timer.h"

namespace gracevisor::loop {

class Pace {
 public:
  // `least`: from one time to the next.
  Pace(Loop& loop, base::Duration least, std::function<void()> act);
  Pace(const Pace&) = delete;
  Pace& operator=(const Pace&) = delete;
  ~Pace() = default;

  // Inside this call if the last time is long enough ago, else as soon as it is.
  void ask();
  // What was asked for and is not done is done now.
  void hurry();
  // It is never done.
  void forget() { asked_ = false; }

 private:
  void act();

  base::Duration least_;
  std::function<void()> act_;
  bool asked_ = false;
  Timer timer_;  // runs until the next time may be
};

}  // namespace gracevisor::loop
