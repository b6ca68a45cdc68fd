// Runs something once, in the loop's next turn: after whatever else is due or ready by then. It may ask again
// while it runs: input is looked at in between.
// Thread: the loop's.
#pragma once

#include <functional>

#include "loop/loop.h"

namespace gracevisor::loop {

class NextTurn {
 public:
  NextTurn(Loop& loop, std::function<void()> on_turn);
  NextTurn(const NextTurn&) = delete;
  NextTurn& operator=(const NextTurn&) = delete;
  ~NextTurn() = default;

  // Once, however often it is asked for before.
  void ask();
  void stop();

 private:
  std::function<void()> on_turn_;
  HandlePtr<uv_idle_s> idle_;
};

}  // namespace gracevisor::loop
