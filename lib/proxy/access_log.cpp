#include "proxy/access_log.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/rfc3339.h"
#include "proxy/log_escape.h"

namespace gracevisor::proxy {
namespace {

// By hand: a line has a dozen numbers, and interpreting a format for each would be too slow.
void append_number(std::uint64_t number, std::string& out) {
  std::array<char, 20> digits{};
  auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
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
    append_number(value, out_);
  }
  void flag(std::string_view key, bool value) {
    this->key(key);
    out_ += value ? "true" : "false";
  }
  void millis(std::string_view key, std::chrono::microseconds value) {
    this->key(key);
    auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    append_number(count / 1000, out_);
    out_ += '.';
    base::append_digits(count % 1000, 3, out_);
  }
  void millis_if_any(std::string_view key, const std::optional<std::chrono::microseconds>& value) {
    if (value) millis(key, *value);
  }
  // The caller appends the value.
  void key(std::string_view key) {
    if (out_.back() != '{') out_ += ',';
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }

 private:
  std::string& out_;
};

void append_json(const AccessRecord& record, std::string& out) {
  Members members(out);
  members.key("time");
  out += '"';
  base::append_rfc3339(record.time, out);
  out += '"';
  members.text("client", record.client);
  members.text_if_any("listener", record.listener);
  members.text_if_any("app", record.app);
  if (record.generation != base::GenerationId()) {
    members.number("generation", record.generation.value());
    members.key("instance");
    out += '"';
    append_number(record.generation.value(), out);
    out += '.';
    append_number(record.slot.value(), out);
    out += '"';
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
  members.text_if_any("error", http::text_of(record.error).token);
  members.text("end", record.end);
  members.text_if_any("phase", record.phase);
  members.millis_if_any("body_ms", record.body);
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
  out += " - - [";
  base::append_common_time(record.time, out);
  out += ']';
  if (record.method.empty()) {
    append_quoted(record.request_line, out);
  } else {
    out += " \"";
    out += record.method;
    out += ' ';
    append_hex_escaped(record.target, kLongestAccessText, out);
    out += record.minor == 0 ? " HTTP/1.0\"" : " HTTP/1.1\"";
  }
  out += ' ';
  base::append_digits(static_cast<std::uint64_t>(record.status), 3, out);
  out += ' ';
  append_number(record.bytes_out - std::min(record.bytes_out, record.head_bytes_out), out);
  append_quoted(record.referer, out);
  append_quoted(record.user_agent, out);
  out += '\n';
}

}  // namespace

void append_access_line(config::AccessFormat format, const AccessRecord& record, std::string& out) {
  switch (format) {
    case config::AccessFormat::json: append_json(record, out); return;
    case config::AccessFormat::combined: append_combined(record, out); return;
  }
}

}  // namespace gracevisor::proxy
