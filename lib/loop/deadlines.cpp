#include "loop/deadlines.h"

#include <algorithm>
#include <optional>

namespace gracevisor::loop {
namespace {
constexpr base::Millis kTick{10};
}

void Deadline::cancel() noexcept {
  if (next_ == nullptr) return;
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

void Deadline::link_before(Deadline& anchor) noexcept {
  previous_ = anchor.previous_;
  next_ = &anchor;
  previous_->next_ = this;
  anchor.previous_ = this;
}

Deadlines::Deadlines(Loop& loop) : loop_(loop), timer_(loop, [this] { fire_due(); }) {}

Deadlines::~Deadlines() {
  // Observers that still wait are never notified; their Deadlines must not point into destroyed lists.
  for (List& list : lists_) {
    while (list.anchor.next_ != &list.anchor) list.anchor.next_->cancel();
    list.anchor.previous_ = list.anchor.next_ = nullptr;
  }
}

Deadlines::List& Deadlines::list_of(base::Duration after) {
  for (List& list : lists_) {
    if (list.after == after) return list;
  }
  List& list = lists_.emplace_back();
  list.after = after;
  list.anchor.previous_ = list.anchor.next_ = &list.anchor;
  return list;
}

void Deadlines::start(Deadline& deadline, base::Duration after) {
  deadline.cancel();
  // now() is truncated to whole milliseconds: without the extra one it would fire early. (It also means that
  // an observer restarting its own deadline cannot keep fire_due from ending.)
  deadline.due_ = loop_.now() + after + base::Millis(1);
  deadline.link_before(list_of(after).anchor);
  // Arming too early is harmless (fire_due re-arms), so restarting a request's deadline touches no timer.
  if (!timer_.running() || deadline.due_ < armed_for_) arm(deadline.due_);
}

void Deadlines::arm(base::TimePoint due) {
  armed_for_ = due;
  timer_.start(std::max<base::Duration>(due - loop_.now(), kTick));
}

void Deadlines::fire_due() {
  base::TimePoint now = loop_.now();
  std::optional<base::TimePoint> earliest;
  // By index, since an observer may add a list; in a deque the others stay in place.
  for (std::size_t i = 0; i < lists_.size(); ++i) {  // NOLINT(modernize-loop-convert)
    List& list = lists_[i];
    while (list.anchor.next_ != &list.anchor && list.anchor.next_->due_ <= now) {
      Deadline& due = *list.anchor.next_;
      due.cancel();
      due.observer_->on_deadline();  // may destroy `due` and start or cancel others
    }
    if (list.anchor.next_ != &list.anchor) {
      earliest = std::min(earliest.value_or(list.anchor.next_->due_), list.anchor.next_->due_);
    }
  }
  // Observers may have armed an earlier one meanwhile.
  if (earliest && (!timer_.running() || *earliest < armed_for_)) arm(*earliest);
}

}  // namespace gracevisor::loop
