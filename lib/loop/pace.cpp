#include "loop/pace.h"

#include <utility>

namespace gracevisor::loop {

Pace::Pace(Loop& loop, base::Duration least, std::function<void()> act)
    : least_(least), act_(std::move(act)), timer_(loop, [this] { hurry(); }) {}

void Pace::ask() {
  asked_ = true;
  if (!timer_.running()) act();
}

void Pace::hurry() {
  if (asked_) act();
}

void Pace::act() {
  asked_ = false;
  timer_.start(least_);
  act_();
}

}  // namespace gracevisor::loop
