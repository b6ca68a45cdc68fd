#include "output/log_line.h"

#include <algorithm>
#include <array>

namespace gracevisor::output {
namespace {

constexpr std::size_t kTimeSize = 24;
constexpr std::size_t kGenerationDigits = 20;
constexpr std::size_t kSlotDigits = 10;
constexpr std::size_t kMostApp = 255;  // bytes of a name
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string_view text(LogStream stream) {
  return stream == LogStream::err ? "err" : "out";
}

void append_hex(unsigned char byte, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[byte >> 4U];
  out += kHex[byte & 15U];
}

// The length of the UTF-8 sequence (RFC 3629) that `text` begins with; 0: it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  const unsigned char second = byte(1);
  const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                     (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

void append_escaped(std::string_view line, std::string& out) {
  while (!line.empty()) {
    const char c = line.front();
    const std::size_t length = utf8_length(line);
    if (length == 0) {
      out += kReplacement;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append_hex(static_cast<unsigned char>(c), out);
    } else {
      out += line.substr(0, length);
    }
    line.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void append_prefixed(const LineHead& head, std::string_view time, std::string_view line, bool cut,
                     std::string& out) {
  out.append(time).append(" ").append(head.app).append("@").append(head.instance).append(" ");
  out.append(text(head.stream)).append(cut ? "+ " : "| ").append(line).append("\n");
}

void append_json(const LineHead& head, std::string_view time, std::string_view line, bool cut,
                 std::string& out) {
  out.append(R"({"time":")").append(time).append(R"(","app":")").append(head.app);
  out.append(R"(","instance":")").append(head.instance).append(R"(","stream":")").append(text(head.stream));
  out.append(R"(","line":")");
  append_escaped(line, out);
  out.append(cut ? "\",\"cut\":true}\n" : "\"}\n");
}

bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

std::optional<base::WallTime> take_time(std::string_view& rest) {
  const auto time = base::parse_rfc3339(rest.substr(0, kTimeSize));
  if (time) rest.remove_prefix(kTimeSize);
  return time;
}

// "5.1"; empty: it is none. The numbers have no more digits than any of ours.
std::string_view take_instance(std::string_view& rest) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t dot = std::min(rest.find_first_not_of(kDigits), rest.size());
  if (dot == 0 || dot >= rest.size() || rest[dot] != '.') return {};
  const std::size_t end = std::min(rest.find_first_not_of(kDigits, dot + 1), rest.size());
  if (end == dot + 1 || dot > kGenerationDigits || end - dot - 1 > kSlotDigits) return {};
  const std::string_view instance = rest.substr(0, end);
  rest.remove_prefix(end);
  return instance;
}

LogStream take_stream(std::string_view& rest) {
  if (take(rest, "out")) return LogStream::out;
  return take(rest, "err") ? LogStream::err : LogStream::unknown;
}

std::optional<char> take_escape(std::string_view& rest) {
  if (take(rest, "\"")) return '"';
  if (take(rest, "\\")) return '\\';
  if (!take(rest, "u00") || rest.size() < 2) return std::nullopt;
  unsigned value = 0;
  for (const char c : rest.substr(0, 2)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit ? c - '0' : c - 'a' + 10);
  }
  rest.remove_prefix(2);
  return value < 0x20 ? std::optional(static_cast<char>(value)) : std::nullopt;
}

// Up to the closing quote, which is taken as well; it may be missing if the text was cut.
std::optional<std::string> take_string(std::string_view& rest, bool cut) {
  std::string out;
  while (!rest.empty()) {
    const std::size_t plain = std::min(rest.find_first_of("\"\\"), rest.size());
    out += rest.substr(0, plain);
    rest.remove_prefix(plain);
    if (take(rest, "\"")) return out;
    if (!take(rest, "\\")) break;
    const auto c = take_escape(rest);
    if (!c && !cut) return std::nullopt;
    if (!c) break;
    out += *c;
  }
  return cut ? std::optional(std::move(out)) : std::nullopt;
}

// Up to behind its closing quote.
bool skip_string(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

std::optional<FileLine> parse_prefixed(std::string_view record, std::string_view app, bool cut) {
  const auto read = prefix_of(record, app);
  if (!read) return std::nullopt;
  FileLine line;
  line.time = read->head.time;
  line.instance = read->head.instance;
  line.stream = read->head.stream;
  line.goes_on = read->goes_on;
  line.shortened = cut;
  line.text = record.substr(read->size);
  return line;
}

std::optional<FileLine> parse_json(std::string_view rest, std::string_view app, bool cut) {
  FileLine line;
  if (!take(rest, R"({"time":")")) return std::nullopt;
  line.time = take_time(rest);
  if (!line.time || !take(rest, R"(","app":")") || !take(rest, app)) return std::nullopt;
  if (!take(rest, R"(","instance":")")) return std::nullopt;
  line.instance = take_instance(rest);
  if (line.instance.empty() || !take(rest, R"(","stream":")")) return std::nullopt;
  line.stream = take_stream(rest);
  if (line.stream == LogStream::unknown || !take(rest, R"(","line":")")) return std::nullopt;
  auto text = take_string(rest, cut);
  if (!text) return std::nullopt;
  line.text = std::move(*text);
  line.shortened = cut;
  if (cut) return line;
  line.goes_on = take(rest, R"(,"cut":true)");
  return rest == "}" ? std::optional(std::move(line)) : std::nullopt;
}

}  // namespace

void append_records(LogFormat format, const LineHead& head, std::string_view bytes, std::string& out) {
  const std::string time = base::rfc3339(head.time);
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const bool cut = end == std::string_view::npos;
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(cut ? bytes.size() : end + 1);
    if (format == LogFormat::json) {
      append_json(head, time, line, cut, out);
    } else {
      append_prefixed(head, time, line, cut, out);
    }
  }
}

std::optional<RecordHead> prefix_of(std::string_view line, std::string_view app) {
  std::string_view rest = line;
  RecordHead found;
  found.head.app = app;
  const auto time = take_time(rest);
  if (!time || !take(rest, " ") || !take(rest, app) || !take(rest, "@")) return std::nullopt;
  found.head.time = *time;
  found.head.instance = take_instance(rest);
  if (found.head.instance.empty() || !take(rest, " ")) return std::nullopt;
  found.head.stream = take_stream(rest);
  found.goes_on = rest.starts_with('+');
  if (found.head.stream == LogStream::unknown || (!take(rest, "| ") && !take(rest, "+ ")))
    return std::nullopt;
  found.size = line.size() - rest.size();
  return found;
}

std::optional<FileLine> parse_record(std::string_view line, bool cut, std::string_view app) {
  if (line.size() < kTimeSize) return std::nullopt;
  return line.front() == '{' ? parse_json(line, app, cut) : parse_prefixed(line, app, cut);
}

std::string_view app_of_record(std::string_view line) {
  const bool json = take(line, R"({"time":")");
  if (!take_time(line) || !take(line, json ? std::string_view(R"(","app":")") : " ")) return {};
  const std::size_t end = line.substr(0, kMostApp + 1).find(json ? '"' : '@');
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

std::string as_in_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto ascii = static_cast<std::size_t>(
        std::ranges::find_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }) -
        text.begin());
    out += text.substr(0, ascii);
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const std::size_t length = utf8_length(text);
    out += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

std::optional<base::WallTime> access_time(std::string_view line) {
  if (take(line, R"({"time":")")) return base::parse_rfc3339(line.substr(0, line.find('"')));
  // The client and its two names, none of which has a bracket, come first.
  const std::size_t begin = line.find('[');
  if (begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin + 1);
  return base::parse_common_time(line.substr(0, line.find(']')));
}

std::optional<std::string_view> access_app(std::string_view line) {
  if (!take(line, R"({"time":")")) return std::nullopt;
  if (!skip_string(line) || !take(line, R"(,"client":")") || !skip_string(line)) return std::nullopt;
  if (take(line, R"(,"listener":")") && !skip_string(line)) return std::nullopt;
  if (!take(line, R"(,"app":")")) return std::string_view();
  const std::string_view app = line.substr(0, line.find('"'));
  return app.size() == line.size() ? std::nullopt : std::optional(app);
}

std::optional<base::WallTime> daemon_time(std::string_view line) {
  return base::parse_rfc3339(line.substr(0, line.find(' ')));
}

}  // namespace gracevisor::output
