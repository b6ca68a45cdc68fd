#include "decide/record_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gracevisor::decide {
namespace {
constexpr base::Duration kFirstDelay = std::chrono::seconds(1);
constexpr base::Duration kLongestDelay = std::chrono::seconds(30);
constexpr base::Duration kPatience = std::chrono::seconds(10);
}  // namespace

std::uint64_t RecordKeeper::write(spec::AppState state) {
  wanted_ = std::move(state);
  ++serial_;
  delay_ = kFirstDelay;
  ask();
  return serial_;
}

void RecordKeeper::ask() {
  state_ = State::asked;
  overdue_ = false;
  effects_.arm(app_, AppTimer::record, kPatience);
  effects_.record(app_, wanted_, serial_);
}

void RecordKeeper::note(const std::string& cause) {
  if (!trouble_) trouble_ = Trouble{knowledge_.now(), {}};
  trouble_->cause = cause;
  effects_.tell({knowledge_.now(), name_, fact::RecordFailed{cause}});
}

void RecordKeeper::try_now() {
  if (state_ == State::waiting) ask();
}

void RecordKeeper::on_timer() {
  switch (state_) {
    case State::settled: return;
    case State::waiting: ask(); return;
    case State::asked:
      overdue_ = true;
      note("the disk does not answer");
      return;
  }
}

void RecordKeeper::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  if (written) written_ = std::max(written_, serial);
  if (serial != serial_ || state_ != State::asked) return;
  if (written) {
    effects_.disarm(app_, AppTimer::record);
    state_ = State::settled;
    wanted_ = {};
    if (trouble_) effects_.tell({knowledge_.now(), name_, fact::RecordWritten{}});
    trouble_.reset();
    return;
  }
  state_ = State::waiting;
  note(written.error().what);
  effects_.arm(app_, AppTimer::record, delay_);
  delay_ = std::min(2 * delay_, kLongestDelay);
}

}  // namespace gracevisor::decide
