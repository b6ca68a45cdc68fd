#include "output/stderr_thread.h"

#include <cassert>
#include <string>
#include <utility>

#include "base/thread_start.h"

namespace gracevisor::output {
namespace {

// How long one attempt waits; after it the thread checks whether the daemon is ending.
constexpr base::Duration kAttempt = std::chrono::milliseconds(100);
// At the end, a reader that takes nothing gets this many attempts, and any reader this much time.
constexpr int kLastAttempts = 20;
constexpr base::Duration kLast = std::chrono::seconds(10);

}  // namespace

base::Expected<std::unique_ptr<StderrThread>> StderrThread::start(loop::Wakeup& wrote) {
  std::unique_ptr<StderrThread> self(new StderrThread(wrote));
  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  self->loop_ = std::move(*loop);
  auto work = loop::Wakeup::create(*self->loop_, [s = self.get()] { s->on_ring(); });
  if (!work) return std::unexpected(work.error());
  self->work_ = std::move(*work);
  auto thread = base::start_thread("gv-stderr", [s = self.get()] { s->loop_->run(); });
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

StderrThread::~StderrThread() {
  finish();
  work_.reset();
  if (loop_ == nullptr) return;
  int closed = loop_->close();
  assert(closed == 0);
  (void)closed;
}

void StderrThread::finish() {
  if (!thread_.joinable()) return;
  finish_.set(1);
  work_->ring();
  thread_.join();
}

void StderrThread::forward(Lines lines) {
  std::size_t size = lines.text.size();
  Dropped missing = not_forwarded_;
  missing.add(lines.before);
  lines.before = missing;
  if (sent_forward_ - forwarded_.written() + size <= kForwarded && forwarded_.push(std::move(lines))) {
    sent_forward_ += size;
    not_forwarded_ = {};
    work_->ring();
    return;
  }
  Dropped gone;
  gone.add(lines.text);  // NOLINT(bugprone-use-after-move): refused, untouched
  refused_.add(gone.lines);
  missing.add(gone);
  not_forwarded_ = missing;
}

void StderrThread::on_ring() {
  // Read before the rings: nothing is pushed after it was set, so one more pass sees everything.
  bool last = finish_.read() != 0;
  work(lines_);
  work(forwarded_);
  if (last) loop_->stop();
}

void StderrThread::work(LineRing& ring) {
  while (auto lines = ring.pop()) {
    do_now(*lines);
    ring.wrote(lines->text.size());
    if (ring.news_wanted()) wrote_.ring();
  }
}

void StderrThread::do_now(const Lines& lines) {
  dropped_.add(lines.before);
  if (!dropped_.none()) {
    std::string marker(seam_.in_front_of({}));
    marker += dropped_.marker(lines.policy.json);
    if (put(marker, {})) dropped_ = {};
  }
  bool whole =
      lines.text.empty() || (put(seam_.in_front_of(lines.first), lines.first) && put(lines.text, lines.last));
  if (whole) return;
  Dropped gone;
  gone.add(lines.text);
  dropped_.add(gone);
  lost_.add(gone.lines);
}

// False if not all of `text` could be written.
bool StderrThread::put(std::string_view text, Source whose) {
  int last_attempts = 0;
  while (!text.empty() && !gave_up_) {
    std::string_view rest = text;
    auto result = out_.write(rest, kAttempt);
    std::string_view written = text.substr(0, text.size() - rest.size());
    if (!written.empty()) seam_.wrote(written, whose);
    text = rest;
    if (result == base::StandardError::Result::broken) return false;
    if (finish_.read() == 0) continue;
    auto now = std::chrono::steady_clock::now();
    if (!over_at_) over_at_ = now + kLast;
    last_attempts = written.empty() ? last_attempts + 1 : 0;
    gave_up_ = last_attempts >= kLastAttempts || now >= *over_at_;
  }
  return text.empty();
}

}  // namespace gracevisor::output
