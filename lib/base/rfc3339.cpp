#include "base/rfc3339.h"

#include <algorithm>
#include <array>

namespace gracevisor::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr unsigned kFirstYear = 1970;
constexpr unsigned kLastYear = 2200;

// Takes the parts of a text off its front; failed() once one was not there.
class Taker {
 public:
  explicit Taker(std::string_view text) : rest_(text) {}

  unsigned digits(std::size_t count) {
    unsigned number = 0;
    const std::string_view taken = rest_.substr(0, count);
    failed_ = failed_ || taken.size() < count;
    for (char c : taken) {
      failed_ = failed_ || c < '0' || c > '9';
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(taken.size());
    return failed_ ? 0 : number;
  }
  bool found(char c) {
    const bool there = rest_.starts_with(c);
    if (there) rest_.remove_prefix(1);
    return there;
  }
  void expect(char c) {
    if (!found(c)) failed_ = true;
  }
  std::string_view characters(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // The digits behind a second's point, to the millisecond.
  milliseconds fraction() {
    const std::size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    failed_ = failed_ || count == 0;
    std::string first(rest_.substr(0, std::min<std::size_t>(count, 3)));
    first.resize(3, '0');
    rest_.remove_prefix(count);
    return milliseconds(Taker(first).digits(3));
  }
  // "+0100" or "+01:00"
  minutes offset() {
    const bool west = found('-');
    if (!west) expect('+');
    const unsigned hours = digits(2);
    (void)found(':');
    const unsigned rest = digits(2);
    failed_ = failed_ || hours > 23 || rest > 59;
    const minutes whole(hours * 60 + rest);
    return west ? -whole : whole;
  }
  void fail_if(bool wrong) { failed_ = failed_ || wrong; }
  [[nodiscard]] bool done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

milliseconds clock_of(Taker& text) {
  const unsigned hours = text.digits(2);
  text.expect(':');
  const unsigned minute = text.digits(2);
  text.expect(':');
  const unsigned second = text.digits(2);
  text.fail_if(hours > 23 || minute > 59 || second > 59);
  return std::chrono::hours(hours) + minutes(minute) + std::chrono::seconds(second);
}

std::optional<WallTime> moment(const Taker& text, unsigned year, unsigned month, unsigned day,
                               milliseconds since_midnight) {
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                                         std::chrono::day(day));
  // What a time point can hold.
  if (!text.done() || !date.ok() || year < kFirstYear || year > kLastYear) return std::nullopt;
  return std::chrono::sys_days(date) + since_midnight;
}

}  // namespace

Calendar::Calendar(WallTime time) {
  const auto since = std::chrono::floor<milliseconds>(time);
  const auto today = std::chrono::floor<std::chrono::days>(since);
  const std::chrono::year_month_day date(today);
  year = static_cast<unsigned>(static_cast<int>(date.year()));
  month = static_cast<unsigned>(date.month());
  day = static_cast<unsigned>(date.day());
  millisecond = static_cast<std::uint64_t>((since - today).count());
}

void Calendar::append_clock(std::string& out) const {
  append_digits(millisecond / 3'600'000, 2, out);
  out += ':';
  append_digits(millisecond / 60'000 % 60, 2, out);
  out += ':';
  append_digits(millisecond / 1000 % 60, 2, out);
}

void append_digits(std::uint64_t number, std::size_t width, std::string& out) {
  out.append(width, '0');
  for (std::size_t i = out.size(); width > 0; --width, number /= 10) {
    out[--i] = static_cast<char>('0' + number % 10);
  }
}

void append_rfc3339(WallTime when, std::string& out) {
  const Calendar time(when);
  append_digits(time.year, 4, out);
  out += '-';
  append_digits(time.month, 2, out);
  out += '-';
  append_digits(time.day, 2, out);
  out += 'T';
  time.append_clock(out);
  out += '.';
  append_digits(time.millisecond % 1000, 3, out);
  out += 'Z';
}

std::string rfc3339(WallTime when) {
  std::string text;
  append_rfc3339(when, text);
  return text;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Taker rest(text);
  const unsigned year = rest.digits(4);
  rest.expect('-');
  const unsigned month = rest.digits(2);
  rest.expect('-');
  const unsigned day = rest.digits(2);
  rest.expect('T');
  milliseconds time = clock_of(rest);
  if (rest.found('.')) time += rest.fraction();
  if (!rest.found('Z')) time -= rest.offset();
  return moment(rest, year, month, day, time);
}

void append_common_time(WallTime when, std::string& out) {
  const Calendar time(when);
  append_digits(time.day, 2, out);
  out += '/';
  out += kMonths[time.month - 1];
  out += '/';
  append_digits(time.year, 4, out);
  out += ':';
  time.append_clock(out);
  out += " +0000";
}

std::optional<WallTime> parse_common_time(std::string_view text) {
  Taker rest(text);
  const unsigned day = rest.digits(2);
  rest.expect('/');
  const auto* month = std::ranges::find(kMonths, rest.characters(3));
  rest.fail_if(month == kMonths.end());
  rest.expect('/');
  const unsigned year = rest.digits(4);
  rest.expect(':');
  milliseconds time = clock_of(rest);
  rest.expect(' ');
  time -= rest.offset();
  return moment(rest, year, static_cast<unsigned>(month - kMonths.begin()) + 1, day, time);
}

}  // namespace gracevisor::base
