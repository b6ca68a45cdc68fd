#include "output/line_queue.h"

#include <iterator>
#include <utility>

namespace gracevisor::output {
namespace {

constexpr base::Duration kLook = std::chrono::milliseconds(100);
// What comes within it goes to the writer together.
constexpr base::Duration kGather = std::chrono::milliseconds(1);
// How soon to try again when the ring is full.
constexpr base::Duration kRetryTurn = std::chrono::milliseconds(10);

}  // namespace

LineQueue::LineQueue(loop::Loop& loop, LineRing& ring, std::function<void()> wake,
                     std::function<void()> on_room)
    : loop_(loop),
      ring_(ring),
      wake_(std::move(wake)),
      on_room_(std::move(on_room)),
      turn_(loop, [this] { hand_over(); }),
      looker_(loop, [this] { look(); }) {}

bool LineQueue::takes(const FilePolicy& policy) const noexcept {
  switch (intake_.state()) {
    case Intake::State::open: return true;
    case Intake::State::full: return false;
    case Intake::State::stalled: return !policy.block;
  }
  return true;
}

Intake::State LineQueue::look_at_intake() {
  Intake::State state = intake_.look(queued(), ring_.written(), loop_.now());
  bool open = state == Intake::State::open;
  ring_.want_news(!open);
  if (state == Intake::State::full) told_ = state;
  if (!open && !looker_.running()) looker_.start(kLook);
  return state;
}

void LineQueue::append(const FilePolicy& policy, std::string_view text, Source source) {
  if (text.empty()) return;
  bool stalled = look_at_intake() == Intake::State::stalled;
  if ((stalled && !policy.block) || queued() + text.size() > kMost) {
    drop(policy, text);
    return;
  }
  Open& open = open_[policy.key()];
  open.lines.policy = policy;
  // The gap belongs between what is already there and what comes next.
  if (!open.behind.none() && !hand_over(open)) {
    drop(policy, text);
    return;
  }
  add(open, text, source);
  if (open.lines.text.size() >= kBatch && hand_over(open)) wake_();
  (void)look_at_intake();
  if (!turn_.running()) turn_.start(kGather);
}

void LineQueue::add(Open& open, std::string_view text, Source source) {
  std::string& batch = open.lines.text;
  std::size_t before = batch.size();
  if (batch.empty()) {
    open.lines.first = source;
  } else if (batch.back() != '\n' && open.lines.last != source) {
    batch.push_back('\n');
  }
  batch += text;
  open.lines.last = source;
  open_bytes_ += batch.size() - before;
}

void LineQueue::drop(const FilePolicy& policy, std::string_view text) {
  Dropped gone;
  gone.add(text);
  dropped_lines_ += gone.lines;
  Open& open = open_[policy.key()];
  open.lines.policy = policy;
  open.behind.add(gone);
  if (!turn_.running() && intake_.state() != Intake::State::stalled) turn_.start(kRetryTurn);
}

// True if nothing of `open` is left except the count of what is missing after it, which then precedes the
// next lines.
bool LineQueue::hand_over(Open& open) {
  Lines& lines = open.lines;
  std::size_t size = lines.text.size();
  if (size > 0 || !lines.before.none()) {
    FilePolicy policy = lines.policy;
    if (!ring_.push(std::move(lines))) return false;
    sent_bytes_ += size;
    open_bytes_ -= size;
    lines = Lines{std::move(policy), {}, {}, {}, {}};  // NOLINT(bugprone-use-after-move): given a new value
  }
  lines.before = std::exchange(open.behind, {});
  return true;
}

void LineQueue::hand_over() {
  // While lines are being dropped, their number is not reported yet: one marker covers them all.
  bool dropping = intake_.state() == Intake::State::stalled;
  bool any = false;
  for (auto next = open_.begin(); next != open_.end();) {
    Open& open = next->second;
    bool wanted = !dropping || !open.lines.text.empty();
    bool handed = wanted && hand_over(open);
    any = any || handed;
    bool over = handed && (open.lines.before.none() || (!dropping && hand_over(open)));
    next = over ? open_.erase(next) : std::next(next);
  }
  if (any) wake_();
  // The end of a stall is noticed by look().
  if (!open_.empty() && !dropping) turn_.start(kRetryTurn);
}

void LineQueue::look() {
  Intake::State now = look_at_intake();
  if (now == told_) return;
  told_ = now;
  hand_over();
  if (now != Intake::State::full) on_room_();
}

std::vector<Lines> LineQueue::take_rest() {
  std::vector<Lines> rest;
  for (auto& [key, open] : open_) {
    FilePolicy policy = open.lines.policy;
    bool any = !open.lines.text.empty() || !open.lines.before.none();
    if (any) rest.push_back(std::move(open.lines));
    if (!open.behind.none()) rest.push_back(Lines{std::move(policy), {}, open.behind, {}, {}});
  }
  open_.clear();
  open_bytes_ = 0;
  return rest;
}

}  // namespace gracevisor::output
