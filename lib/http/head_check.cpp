#include "http/head_check.h"

#include <algorithm>
#include <cstring>

#include "http/characters.h"
#include "http/fields.h"

namespace gracevisor::http {

namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";
constexpr std::size_t kRequestLineTail = std::string_view(" HTTP/1.1\r\n").size();

FoundHead refused(int status, std::string_view token) noexcept {
  return {.state = HeadState::refused, .begin = 0, .end = 0, .fields = 0, .refusal = {status, token}};
}

// Where the start line begins, and how long it may be. `bound` 0: not known before more bytes arrive.
struct StartLine {
  std::size_t begin = 0;
  std::size_t bound = 0;
  std::optional<FoundHead> refusal;
};

StartLine begin_request(std::string_view bytes, const HeadLimits& limits) noexcept {
  StartLine start;
  if (bytes.empty()) return start;
  if (bytes.front() == '\r') {  // one empty line before a request is ignored (RFC 9112 section 2.2)
    if (bytes.size() == 1) return start;
    if (bytes[1] != '\n') {
      start.refusal = refused(400, "bad-request-line");
      return start;
    }
    if (bytes.size() == 2) return start;
    start.begin = 2;
  }
  const std::string_view line = bytes.substr(start.begin);
  const std::size_t method = span_of(kTokenCharacter, line.substr(0, kMaxMethod + 1));
  if (method > kMaxMethod) {
    start.refusal = refused(501, "unknown-method");
  } else if (method < line.size() && (line[method] != ' ' || method == 0)) {
    const bool tls = method == 0 && line.front() == '\x16';  // a ClientHello record
    start.refusal = refused(400, tls ? "tls-on-plain-port" : "bad-request-line");
  } else if (method < line.size()) {
    start.bound = start.begin + method + 1 + limits.target + kRequestLineTail;
  }
  return start;
}

StartLine begin_response(std::string_view bytes, const HeadLimits& limits) noexcept {
  StartLine start;
  const std::size_t known = std::min(bytes.size(), kVersionPrefix.size());
  if (bytes.substr(0, known) != kVersionPrefix.substr(0, known)) {
    start.refusal = refused(502, "bad-status-line");
  } else if (known == kVersionPrefix.size()) {
    start.bound = limits.field + 2;
  }
  return start;
}

// The request line's end, which tells the version; checked early, so that an HTTP/0.9 client is not left
// waiting.
std::optional<FoundHead> check_version(std::string_view line) noexcept {
  if (line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0")) return std::nullopt;
  const std::size_t space = line.rfind(' ');
  std::string_view version = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (!version.starts_with("HTTP/")) return refused(400, "bad-request-line");
  version.remove_prefix(5);
  const bool numbers = !version.empty() && std::all_of(version.begin(), version.end(),
                                                       [](char c) { return is(kDigit, c) || c == '.'; });
  return numbers ? refused(505, "unsupported-version") : refused(400, "bad-request-line");
}

// Takes the next line off; `rest` consists of whole lines.
std::string_view next_line(std::string_view& rest) noexcept {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

// How often a head says how long its body is. llhttp refuses more than once as well, but each version calls
// it by another name.
class LengthLines {
 public:
  void add(std::string_view name) noexcept {
    if (equals_ignoring_case(name, "content-length")) ++lengths_;
    if (equals_ignoring_case(name, "transfer-encoding")) ++codings_;
  }
  [[nodiscard]] bool contradict() const noexcept { return lengths_ > 1 || (lengths_ > 0 && codings_ > 0); }

 private:
  unsigned lengths_ = 0;
  unsigned codings_ = 0;
};

// Whole field lines at the beginning of a text.
struct FieldLines {
  std::size_t count = 0;
  std::size_t longest = 0;  // without its CRLF
  LengthLines lengths;
};

// Takes lines off `rest`, up to the first that is no field; the end of a head, for one.
FieldLines take_fields(std::string_view& rest) noexcept {
  FieldLines lines;
  for (;;) {
    const std::size_t name = span_of(kTokenCharacter, rest);
    if (name == 0 || name == rest.size() || rest[name] != ':') return lines;
    const std::size_t line = name + 1 + value_span(rest.substr(name + 1));
    if (!rest.substr(line).starts_with("\r\n")) return lines;
    lines.lengths.add(rest.substr(0, name));
    lines.longest = std::max(lines.longest, line);
    ++lines.count;
    rest.remove_prefix(line + 2);
  }
}

Refusal bad_name(std::string_view line, bool first) noexcept {
  if (is_space(line.front())) return {400, first ? "space-before-fields" : "folded-field"};
  const std::size_t name = span_of(kTokenCharacter, line);
  return {400, name > 0 && is_space(line[name]) ? "space-before-colon" : "bad-field-name"};
}

// `rest` consists of whole lines, of which the last is empty: whatever stops before a CRLF does not belong
// there.
std::optional<Refusal> check_fields(std::string_view rest) noexcept {
  const FieldLines lines = take_fields(rest);
  if (!rest.starts_with("\r\n")) {
    const std::size_t name = span_of(kTokenCharacter, rest);
    if (name == 0 || rest[name] != ':') return bad_name(rest, lines.count == 0);
    return Refusal{400, "bad-field-value"};
  }
  if (lines.lengths.contradict()) return Refusal{400, "two-lengths"};
  return std::nullopt;
}

// The two without their line ends.
std::optional<Refusal> check_request_line(std::string_view line, const HeadLimits& limits) noexcept {
  line.remove_suffix(std::string_view(" HTTP/1.1").size());  // check_version() saw it
  const std::size_t method = span_of(kTokenCharacter, line);
  if (method == 0 || method >= line.size() || line[method] != ' ') return Refusal{400, "bad-request-line"};
  const std::string_view target = line.substr(method + 1);
  if (target.size() > limits.target) return Refusal{414, "target-too-long"};
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(path.size());
  const bool plain = !path.empty() && span_of(kTargetCharacter, path) == path.size() &&
                     span_of(kQueryCharacter, query) == query.size();
  if (!plain) return Refusal{400, "bad-target"};
  return std::nullopt;
}

std::optional<Refusal> check_status_line(std::string_view line) noexcept {
  line.remove_prefix(kVersionPrefix.size());  // begin_response() saw it
  const bool version = !line.empty() && (line.front() == '0' || line.front() == '1');
  if (!version) return Refusal{502, "unsupported-version"};
  const bool status = line.size() >= 5 && line[1] == ' ' && line[2] != '0' &&
                      span_of(kDigit, line.substr(2)) == 3 && (line.size() == 5 || line[5] == ' ');
  if (!status || value_span(line) != line.size()) return Refusal{502, "bad-status-line"};
  return std::nullopt;
}

bool plain_request_line(std::string_view line, const HeadLimits& limits) noexcept {
  return !check_version(line) && line.find(' ') <= kMaxMethod && !check_request_line(line, limits);
}

bool plain_status_line(std::string_view line, const HeadLimits& limits) noexcept {
  return line.starts_with(kVersionPrefix) && line.size() <= limits.field && !check_status_line(line);
}

}  // namespace

FoundHead find_head(std::string_view bytes, MessageKind kind, const HeadLimits& limits) noexcept {
  const bool request = kind == MessageKind::request;
  const StartLine start = request ? begin_request(bytes, limits) : begin_response(bytes, limits);
  if (start.refusal) return *start.refusal;
  if (start.bound == 0) return {};
  const int too_large = request ? 431 : 502;

  FoundHead found;
  found.begin = start.begin;
  std::size_t line = start.begin;
  std::size_t line_bound = start.bound;
  for (;;) {
    const bool start_line = line == start.begin;
    const std::size_t bound = std::min(line_bound, limits.head);
    const std::size_t searched = std::min(bytes.size(), bound);
    const void* feed = line < searched ? std::memchr(bytes.data() + line, '\n', searched - line) : nullptr;
    if (feed == nullptr) {
      if (bytes.size() < bound) return {};
      if (bound < line_bound) return refused(too_large, "head-too-large");
      if (!start_line) return refused(too_large, "field-too-large");
      return request ? refused(414, "target-too-long") : refused(502, "bad-status-line");
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(feed) - bytes.data());
    if (end == line || bytes[end - 1] != '\r') return refused(request ? 400 : 502, "bare-line-feed");
    const std::string_view text = bytes.substr(line, end - 1 - line);
    if (text.empty()) {
      found.state = HeadState::complete;
      found.end = end + 1;
      return found;
    }
    if (!start_line) {
      if (++found.fields > limits.fields) return refused(too_large, "too-many-fields");
    } else if (request) {
      if (const auto refusal = check_version(text)) return *refusal;
    }
    line = end + 1;
    line_bound = line + limits.field + 2;
  }
}

std::optional<Refusal> check_request_head(std::string_view head, const HeadLimits& limits) noexcept {
  if (const auto refusal = check_request_line(next_line(head), limits)) return refusal;
  return check_fields(head);
}

std::optional<Refusal> check_response_head(std::string_view head) noexcept {
  if (const auto refusal = check_status_line(next_line(head))) return refusal;
  auto refusal = check_fields(head);
  if (refusal) refusal->status = 502;
  return refusal;
}

FoundHead find_plain_head(std::string_view bytes, MessageKind kind, const HeadLimits& limits) noexcept {
  const std::size_t feed = bytes.find('\n');
  if (feed == std::string_view::npos || feed == 0 || bytes[feed - 1] != '\r') return {};
  const std::string_view line = bytes.substr(0, feed - 1);
  const bool plain =
      kind == MessageKind::request ? plain_request_line(line, limits) : plain_status_line(line, limits);
  if (!plain) return {};
  std::string_view rest = bytes.substr(feed + 1);
  const FieldLines lines = take_fields(rest);
  const std::size_t end = bytes.size() - rest.size() + 2;
  const bool whole = rest.starts_with("\r\n") && !lines.lengths.contradict();
  if (!whole || lines.count > limits.fields || lines.longest > limits.field || end > limits.head) return {};
  return {.state = HeadState::complete, .begin = 0, .end = end, .fields = lines.count, .refusal = {}};
}

}  // namespace gracevisor::http
