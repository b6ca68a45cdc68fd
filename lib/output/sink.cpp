#include "output/sink.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace gracevisor::output {
namespace {

// Messages in one turn.
constexpr int kTurn = 256;
constexpr base::Duration kScarce = std::chrono::milliseconds(50);
// By UDP nothing tells that somebody listens again.
constexpr base::Duration kUnrefused = std::chrono::seconds(10);

bool by_udp(const FilePolicy& where) {
  return where.path.native().starts_with(kUdp);
}

std::size_t most_text(const FilePolicy& where) {
  if (where.sink == SinkKind::journal) return std::numeric_limits<std::size_t>::max();
  return by_udp(where) ? kMostUdpText : kMostSyslogText;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : std::string();
}

}  // namespace

Sink::Sink(FilePolicy where, const base::Clock& clock, LogWays ways)
    : where_(std::move(where)), clock_(clock), ways_(std::move(ways)), most_text_(most_text(where_)) {
  if (by_udp(where_)) host_ = host_name();
  pid_ = std::to_string(::getpid());
}

Sink::Next Sink::work() {
  for (int i = 0; i < kTurn; ++i) {
    if (!any()) return Next::nothing;
    if (!ready()) return Next::later;
    if (message_.empty()) make_message();
    if (auto wait = send()) return *wait;
  }
  return Next::more;
}

// Is there anything to be sent?
bool Sink::any() {
  while (message_.empty() && !line_ && dropped_.none()) {
    if (at_ == batch_.text.size() && !take_batch()) return false;
    if (!dropped_.none() || at_ == batch_.text.size()) continue;
    from_ = at_;
    const bool own = batch_.policy.app.empty();
    line_ = own ? next_own_line(batch_.text, at_) : next_record(batch_.text, at_);
    if (line_ && own) line_->instance = pid_;
    if (!line_) pass(true);
  }
  return true;
}

bool Sink::take_batch() {
  if (auto next = ring_.pop()) {
    batch_ = std::move(*next);
    counted_ = true;
  } else if (!rest_.empty()) {
    batch_ = std::move(rest_.front());
    rest_.pop_front();
    counted_ = false;
  } else {
    return false;
  }
  at_ = from_ = 0;
  dropped_.add(batch_.before);
  return true;
}

void Sink::make_message() {
  SinkLine next;
  is_marker_ = !dropped_.none();
  if (is_marker_) {
    marker_ = dropped_.marker(false);
    marker_.pop_back();
    next = {std::chrono::system_clock::now(), batch_.policy.app, {}, LogStream::err, marker_};
    if (next.app.empty()) {
      next.app = kOwnName;
      next.instance = pid_;
      next.level = base::LogLevel::warning;
    }
  } else {
    next = *line_;
    piece_ = piece_of(next.text, most_text_);
    next.goes_on = next.goes_on || piece_ < next.text.size();
    next.text = next.text.substr(0, piece_);
  }
  if (where_.sink == SinkKind::journal) {
    append_journal(next, message_);
  } else if (by_udp(where_)) {
    append_udp_syslog(next, host_, message_);
  } else {
    append_local_syslog(next, local_time(next.time), message_);
  }
  if (socket_.stream()) message_ += '\0';
  unsent_ = message_;
}

bool Sink::ready() {
  if (socket_.is_open()) return true;
  if (clock_.now() < retry_at_) return false;
  auto opened = SinkSocket::open(where_, *ways_.opener);
  if (!opened) {
    close(opened.error().error.what);
    return false;
  }
  socket_ = std::move(*opened);
  sent_any_ = false;
  return true;
}

// Set: what to wait for.
std::optional<Sink::Next> Sink::send() {
  switch (socket_.send(unsent_)) {
    case SinkSocket::Sent::all: on_sent(); return std::nullopt;
    case SinkSocket::Sent::full: on_full(); return Next::writable;
    case SinkSocket::Sent::scarce: retry_at_ = clock_.now() + kScarce; return Next::later;
    case SinkSocket::Sent::too_big:
      message_.clear();
      if (!is_marker_) pass(true);
      if (is_marker_) dropped_ = {};
      return std::nullopt;
    case SinkSocket::Sent::refused:
      refused_at_ = clock_.now();
      lost_.add(1);
      tell(base::system_error("not all is taken by " + where_.name(), socket_.error()).what);
      return std::nullopt;
    case SinkSocket::Sent::broken: return on_broken();
  }
  return std::nullopt;
}

void Sink::on_sent() {
  message_.clear();
  sent_any_ = true;
  full_since_.reset();
  backoff_ = kFirstRetry;
  if (!told_.empty() && (!by_udp(where_) || clock_.now() - refused_at_ >= kUnrefused)) tell({});
  if (is_marker_) {
    dropped_ = {};
    return;
  }
  line_->text.remove_prefix(piece_);
  if (line_->text.empty()) pass(false);
}

void Sink::on_full() {
  const base::TimePoint now = clock_.now();
  if (!full_since_) full_since_ = now;
  if (now - *full_since_ >= kSilent) tell("nothing is taken by " + where_.name());
}

std::optional<Sink::Next> Sink::on_broken() {
  const base::Error cause = base::system_error("cannot send to " + where_.name(), socket_.error());
  const bool again = sent_any_;
  close(again ? std::string() : cause.what);
  if (!again) return Next::later;
  retry_at_ = clock_.now();
  return std::nullopt;
}

// The record was sent, or cannot be.
void Sink::pass(bool lost) {
  const std::string_view record = std::string_view(batch_.text).substr(from_, at_ - from_);
  if (lost) {
    Dropped gone;
    gone.add(record);
    dropped_.add(gone);
    lost_.add(gone.lines);
  }
  passed_ += record.size();
  if (counted_) ring_.wrote(record.size());
  line_.reset();
  from_ = at_;
}

// Without a cause it is opened anew at once. What is being sent is made anew then.
void Sink::close(const std::string& cause) {
  socket_ = {};
  message_.clear();
  full_since_.reset();
  if (cause.empty()) return;
  retry_at_ = clock_.now() + backoff_;
  backoff_ = std::min(backoff_ * 2, kLastRetry);
  tell(cause);
}

void Sink::tell(const std::string& cause) {
  if (cause == told_) return;
  told_ = cause;
  if (ways_.tell) ways_.tell(where_.name(), cause);
}

void Sink::give_up() {
  Dropped left;  // what was dropped on the way was counted there
  do {
    left.add(std::string_view(batch_.text).substr(std::min(line_ ? from_ : at_, batch_.text.size())));
    line_.reset();
    at_ = batch_.text.size();
  } while (take_batch());
  message_.clear();
  dropped_ = {};
  lost_.add(left.lines);
}

void Sink::end() {
  give_up();
  socket_ = {};
  tell({});
}

std::string_view Sink::local_time(base::WallTime time) {
  const std::time_t second = std::chrono::system_clock::to_time_t(time);
  if (second == second_) return local_time_;
  second_ = second;
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm at{};
  if (::localtime_r(&second, &at) == nullptr) at = {};
  const auto month = std::clamp<std::size_t>(static_cast<std::size_t>(at.tm_mon), 0, kMonths.size() - 1);
  local_time_ = fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths.at(month), at.tm_mday, at.tm_hour, at.tm_min,
                            at.tm_sec);
  return local_time_;
}

}  // namespace gracevisor::output
