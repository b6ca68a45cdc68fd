#include "output/sink_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>

namespace gracevisor::output {
namespace {

// The longest APP-NAME, PROCID, MSGID and HOSTNAME of RFC 5424 section 6.
constexpr std::size_t kMostAppName = 48;
constexpr std::size_t kMostInstance = 128;
constexpr std::size_t kMostEvent = 32;
constexpr std::size_t kMostHost = 255;
constexpr int kDaemonFacility = 3 << 3;

std::string_view text_of(LogStream stream) {
  return stream == LogStream::err ? "err" : "out";
}

int severity(const SinkLine& line) {
  if (!line.level) return line.stream == LogStream::err ? 4 : 6;
  switch (*line.level) {
    case base::LogLevel::debug: return 7;
    case base::LogLevel::info: return 6;
    case base::LogLevel::warning: return 4;
    case base::LogLevel::error: return 3;
  }
  return 6;
}

std::string_view next_line(std::string_view text, std::size_t& at) {
  const std::string_view rest = text.substr(at);
  const std::size_t end = rest.find('\n');
  at = end == std::string_view::npos ? text.size() : at + end + 1;
  return rest.substr(0, end);
}

// Up to the next space, which goes with it.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

std::optional<base::LogLevel> level_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, base::LogLevel>, 4> kLevels = {
      {{"debug", base::LogLevel::debug},
       {"info", base::LogLevel::info},
       {"warning", base::LogLevel::warning},
       {"error", base::LogLevel::error}}};
  for (const auto& [name, level] : kLevels) {
    if (word == name) return level;
  }
  return std::nullopt;
}

std::string_view event_of(std::string_view text) {
  const std::string_view word = take_word(text);
  const bool known =
      word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string_view::npos;
  return known && word.size() <= kMostEvent ? word : std::string_view();
}

// Visible ASCII without `not_these`, and something in any case.
void append_word(std::string_view text, std::size_t most, std::string_view not_these, std::string& out) {
  if (text.empty()) out += '-';
  for (const char c : text.substr(0, most)) {
    const bool fits = c > ' ' && c < '\x7f' && not_these.find(c) == std::string_view::npos;
    out += fits ? c : '_';
  }
}

void append_text(std::string_view text, std::string& out) {
  for (;;) {
    const std::size_t end = text.find('\0');
    out += text.substr(0, end);
    if (end == std::string_view::npos) return;
    out += "#000";
    text.remove_prefix(end + 1);
  }
}

// A value with a newline is told by its length (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  if (value.find('\n') == std::string_view::npos) {
    out.append("=").append(value).append("\n");
    return;
  }
  out += '\n';
  const std::uint64_t size = value.size();
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(size >> shift & 0xffU);
  out.append(value).append("\n");
}

}  // namespace

std::optional<SinkLine> next_record(std::string_view text, std::size_t& at) {
  const std::string_view line = next_line(text, at);
  const std::string_view app = app_of_record(line);
  const auto head = prefix_of(line, app);
  if (!head) return std::nullopt;
  return SinkLine{head->head.time,   head->head.app,          head->head.instance,
                  head->head.stream, line.substr(head->size), head->goes_on};
}

std::optional<SinkLine> next_own_line(std::string_view text, std::size_t& at) {
  std::string_view rest = next_line(text, at);
  const auto time = base::parse_rfc3339(take_word(rest));
  const auto level = level_of(take_word(rest));
  if (!time || !level) return std::nullopt;
  SinkLine line{*time, kOwnName, {}, LogStream::err, rest};
  line.level = level;
  line.event = event_of(rest);
  return line;
}

std::size_t piece_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  // At most three bytes belong to a character that begins before them.
  for (std::size_t end = most; end > 0 && end + 4 > most; --end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0U) != 0x80) return end;
  }
  return most;
}

void append_local_syslog(const SinkLine& line, std::string_view local_time, std::string& out) {
  fmt::format_to(std::back_inserter(out), "<{}>{} ", kDaemonFacility | severity(line), local_time);
  append_word(line.app, kMostAppName, ":[]", out);
  if (!line.instance.empty()) {
    out += '[';
    append_word(line.instance, kMostInstance, ":[]", out);
    out += ']';
  }
  out += ": ";
  append_text(line.text, out);
}

void append_udp_syslog(const SinkLine& line, std::string_view host, std::string& out) {
  fmt::format_to(std::back_inserter(out), "<{}>1 ", kDaemonFacility | severity(line));
  base::append_rfc3339(line.time, out);
  out += ' ';
  append_word(host, kMostHost, "", out);
  out += ' ';
  append_word(line.app, kMostAppName, "", out);
  out += ' ';
  append_word(line.instance, kMostInstance, "", out);
  out += ' ';
  append_word(line.level ? line.event : text_of(line.stream), kMostEvent, "", out);
  out += " - ";
  append_text(line.text, out);
}

void append_journal(const SinkLine& line, std::string& out) {
  append_field("MESSAGE", line.text, out);
  const char priority = static_cast<char>('0' + severity(line));
  append_field("PRIORITY", {&priority, 1}, out);
  append_field("SYSLOG_IDENTIFIER", line.app, out);
  if (line.goes_on) append_field("GV_CUT", "true", out);
  if (line.level) {
    if (!line.event.empty()) append_field("GV_EVENT", line.event, out);
    return;
  }
  append_field("GV_APP", line.app, out);
  if (!line.instance.empty()) {
    append_field("GV_GENERATION", line.instance.substr(0, line.instance.find('.')), out);
    append_field("GV_INSTANCE", line.instance, out);
  }
  append_field("GV_STREAM", text_of(line.stream), out);
}

}  // namespace gracevisor::output
