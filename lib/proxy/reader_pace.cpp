#include "proxy/reader_pace.h"

#include <chrono>

namespace gracevisor::proxy {

void ReaderPace::begin(base::TimePoint now, std::uint64_t progress) noexcept {
  *this = ReaderPace();
  watching_ = true;
  since_ = moved_ = now;
  progress_ = progress;
}

ReaderPace::Verdict ReaderPace::look(const Look& look) noexcept {
  if (look.progress != progress_) {
    progress_ = look.progress;
    moved_ = look.now;
  } else if (look.now - moved_ >= look.timeout) {
    return Verdict::stalled;
  }
  if (look.min_rate == 0) return Verdict::fine;
  // What the kernel already held when bytes began to wait is no measure: measuring begins with the first
  // look.
  if (!sampled_) {
    sampled_ = true;
    earlier_ = later_ = {look.now, look.taken};
    return Verdict::fine;
  }
  if (look.now - since_ < kJudged) return Verdict::fine;
  const auto millis = std::chrono::duration_cast<base::Millis>(look.now - earlier_.at).count();
  const std::uint64_t due = look.min_rate * static_cast<std::uint64_t>(millis) / 1000;
  const bool slow = look.taken - std::min(look.taken, earlier_.taken) < due;
  if (look.now - later_.at >= kJudged) {
    earlier_ = later_;
    later_ = {look.now, look.taken};
  }
  return slow ? Verdict::slow : Verdict::fine;
}

}  // namespace gracevisor::proxy
