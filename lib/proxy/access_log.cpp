#include "proxy/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace gracevisor::proxy {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// UTC without gmtime_r(), which takes glibc's lock for time zones.
struct Calendar {
  explicit Calendar(std::chrono::system_clock::time_point time) {
    auto since = std::chrono::floor<std::chrono::milliseconds>(time);
    auto day = std::chrono::floor<std::chrono::days>(since);
    date = std::chrono::year_month_day(day);
    clock = std::chrono::hh_mm_ss(since - day);
  }
  [[nodiscard]] int year() const { return static_cast<int>(date.year()); }
  [[nodiscard]] unsigned month() const { return static_cast<unsigned>(date.month()); }
  [[nodiscard]] unsigned day() const { return static_cast<unsigned>(date.day()); }

  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::milliseconds> clock;
};

template <class... Arguments>
void append(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

// The members of one JSON object; the key is a constant that needs no escape.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }

  void text(std::string_view key, std::string_view value) {
    this->key(key);
    out_ += '"';
    append_json_escaped(value, kLongestAccessText, out_);
    out_ += '"';
  }
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  void number(std::string_view key, std::uint64_t value) {
    this->key(key);
    append(out_, "{}", value);
  }
  void flag(std::string_view key, bool value) {
    this->key(key);
    out_ += value ? "true" : "false";
  }
  void millis(std::string_view key, std::chrono::microseconds value) {
    this->key(key);
    append(out_, "{}.{:03}", value.count() / 1000, value.count() % 1000);
  }
  void millis_if_any(std::string_view key, const std::optional<std::chrono::microseconds>& value) {
    if (value) millis(key, *value);
  }
  // The caller appends the value.
  void key(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    append(out_, "\"{}\":", key);
  }

 private:
  std::string& out_;
};

void append_json(const AccessRecord& record, std::string& out) {
  Members members(out);
  Calendar time(record.time);
  members.key("time");
  append(out, R"("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z")", time.year(), time.month(), time.day(),
         time.clock.hours().count(), time.clock.minutes().count(), time.clock.seconds().count(),
         time.clock.subseconds().count());
  members.text("client", record.client);
  members.text_if_any("listener", record.listener);
  members.text_if_any("app", record.app);
  if (record.generation != base::GenerationId()) {
    members.number("generation", record.generation.value());
    members.key("instance");
    append(out, R"("{}.{}")", record.generation.value(), record.slot.value());
  }
  members.text_if_any("request_line", record.request_line);
  if (!record.method.empty()) {
    members.text("host", record.host);
    members.text("method", record.method);
    members.text("target", record.target);
    members.text("protocol", record.minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
  }
  members.number("status", static_cast<std::uint64_t>(record.status));
  members.number("bytes_in", record.bytes_in);
  members.number("bytes_out", record.bytes_out);
  members.text_if_any("referer", record.referer);
  members.text_if_any("user_agent", record.user_agent);
  members.text_if_any("request_id", record.request_id);
  members.text_if_any("error", record.error);
  members.text("end", record.end);
  members.text_if_any("phase", record.phase);
  members.millis_if_any("held_ms", record.held);
  members.millis_if_any("connect_ms", record.connect);
  members.millis_if_any("head_ms", record.head);
  members.millis("total_ms", record.total);
  members.number("replays", record.replays);
  members.flag("reused", record.reused);
  members.flag("upgraded", record.upgraded);
  out += "}\n";
}

void append_quoted(std::string_view text, std::string& out) {
  out += " \"";
  if (text.empty()) {
    out += '-';
  } else {
    append_hex_escaped(text, kLongestAccessText, out);
  }
  out += '"';
}

// client - - [10/Oct/2026:13:55:36 +0000] "GET /x HTTP/1.1" 200 2326 "referer" "user agent"
void append_combined(const AccessRecord& record, std::string& out) {
  append_hex_escaped(record.client, kLongestAccessText, out);
  Calendar time(record.time);
  append(out, " - - [{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000]", time.day(), kMonths[time.month() - 1],
         time.year(), time.clock.hours().count(), time.clock.minutes().count(), time.clock.seconds().count());
  if (record.method.empty()) {
    append_quoted(record.request_line, out);
  } else {
    append(out, " \"{} ", record.method);
    append_hex_escaped(record.target, kLongestAccessText, out);
    append(out, " HTTP/1.{}\"", record.minor);
  }
  std::uint64_t content = record.bytes_out - std::min(record.bytes_out, record.head_bytes_out);
  append(out, " {:03} {}", record.status, content);
  append_quoted(record.referer, out);
  append_quoted(record.user_agent, out);
  out += '\n';
}

// Printable ASCII that no form of ours escapes.
constexpr bool plain(char c) noexcept {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

// Appends what `text` begins with as it is, as far as it is plain and fits, and takes it off.
void take_plain(std::string_view& text, std::size_t room, std::string& out) {
  std::size_t length = 0;
  std::size_t most = std::min(text.size(), room);
  while (length < most && plain(text[length])) ++length;
  out.append(text.substr(0, length));
  text.remove_prefix(length);
}

constexpr unsigned byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

// The length of the UTF-8 character that `text` begins with (RFC 3629 section 4); 0: it begins with none.
std::size_t utf8_length(std::string_view text) noexcept {
  unsigned first = byte_at(text, 0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80U) return 0;
  }
  // Longer than needed, a surrogate, or beyond U+10FFFF.
  unsigned second = byte_at(text, 1);
  bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
               (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

// Appends \u00XX if that fits.
bool append_code_point(unsigned number, std::size_t room, std::string& out) {
  constexpr std::size_t kEscape = 6;
  if (room < kEscape) return false;
  append(out, "\\u{:04x}", number);
  return true;
}

// Appends the character that `text` begins with, which is not plain, and takes it off; false: it does not
// fit.
bool take_json_escaped(std::string_view& text, std::size_t room, std::string& out) {
  std::size_t length = utf8_length(text);
  unsigned first = byte_at(text, 0);
  bool control = first == 0xC2 && length == 2 && byte_at(text, 1) < 0xA0;  // U+0080 to U+009F
  bool fits = true;
  if (length == 0 || first < 0x20 || first == 0x7F) {
    length = 1;
    fits = append_code_point(first, room, out);
  } else if (control) {
    fits = append_code_point(byte_at(text, 1), room, out);
  } else {
    bool quoted = length == 1;  // of ASCII only the quote and the backslash are left
    fits = length + (quoted ? 1 : 0) <= room;
    if (fits && quoted) out += '\\';
    if (fits) out.append(text.substr(0, length));
  }
  text.remove_prefix(length);
  return fits;
}

}  // namespace

void append_json_escaped(std::string_view text, std::size_t room, std::string& out) {
  const std::size_t end = out.size() + room;
  for (;;) {
    take_plain(text, end - out.size(), out);
    if (text.empty() || out.size() == end || !take_json_escaped(text, end - out.size(), out)) return;
  }
}

void append_hex_escaped(std::string_view text, std::size_t room, std::string& out) {
  constexpr std::size_t kEscape = 4;  // \xHH
  const std::size_t end = out.size() + room;
  for (;;) {
    take_plain(text, end - out.size(), out);
    if (text.empty() || end - out.size() < kEscape) return;
    append(out, "\\x{:02X}", byte_at(text, 0));
    text.remove_prefix(1);
  }
}

void append_access_line(config::AccessFormat format, const AccessRecord& record, std::string& out) {
  switch (format) {
    case config::AccessFormat::json: append_json(record, out); return;
    case config::AccessFormat::combined: append_combined(record, out); return;
  }
}

}  // namespace gracevisor::proxy
