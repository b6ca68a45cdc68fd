// Process signals as loop events. Thread: the supervisor's; every other thread blocks all signals.
#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "loop/loop.h"

struct uv_signal_s;
struct uv_timer_s;

namespace gracevisor::loop {

class Signals {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<Signals>> create(Loop& loop,
                                                                       std::initializer_list<int> which,
                                                                       std::function<void(int)> on_signal);

 private:
  explicit Signals(std::function<void(int)> on_signal) : on_signal_(std::move(on_signal)) {}
  std::function<void(int)> on_signal_;
  std::vector<HandlePtr<uv_signal_s>> handles_;
  HandlePtr<uv_timer_s> ticks_;  // under ThreadSanitizer alone
};

}  // namespace gracevisor::loop
