#include "http/head_check.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "http/characters.h"
#include "http/fields.h"

namespace gracevisor::http {

namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";
constexpr std::size_t kRequestLineTail = std::string_view(" HTTP/1.1\r\n").size();

FoundHead refused(Refusal refusal) noexcept {
  return {
      .state = HeadState::refused, .stand_ins = {}, .begin = 0, .end = 0, .fields = 0, .refusal = refusal};
}

// A field's name for messages: as much of it as there is, truncated if it is endless.
std::string_view name_of(std::string_view line) noexcept {
  constexpr std::size_t kMost = 64;
  return line.substr(0, span_of(kTokenCharacter, line.substr(0, kMost)));
}

// Where the start line begins, and how long it may be. `bound` 0: not known until more bytes arrive.
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
      start.refusal = refused(Reason::bad_request_line);
      return start;
    }
    if (bytes.size() == 2) return start;
    start.begin = 2;
  }
  const std::string_view line = bytes.substr(start.begin);
  const std::size_t method = span_of(kTokenCharacter, line.substr(0, kMaxMethod + 1));
  if (method > kMaxMethod) {
    start.refusal = refused(Reason::method_too_long);
  } else if (method < line.size() && (line[method] != ' ' || method == 0)) {
    const bool tls = method == 0 && line.front() == '\x16';  // a ClientHello record
    start.refusal = refused(tls ? Reason::tls_on_plain_port : Reason::bad_request_line);
  } else if (method < line.size()) {
    start.bound = start.begin + method + 1 + limits.target + kRequestLineTail;
  }
  return start;
}

StartLine begin_response(std::string_view bytes, const HeadLimits& limits) noexcept {
  StartLine start;
  const std::size_t known = std::min(bytes.size(), kVersionPrefix.size());
  if (bytes.substr(0, known) != kVersionPrefix.substr(0, known)) {
    start.refusal = refused(Reason::bad_status_line);
  } else if (known == kVersionPrefix.size()) {
    start.bound = limits.field + 2;
  }
  return start;
}

// The end of the request line, which gives the version; checked early, so that an HTTP/0.9 client is not left
// waiting.
std::optional<FoundHead> check_version(std::string_view line) noexcept {
  if (line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0")) return std::nullopt;
  const std::size_t space = line.rfind(' ');
  std::string_view version = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
  if (!version.starts_with("HTTP/")) return refused(Reason::bad_request_line);
  version.remove_prefix(5);
  const bool numbers = !version.empty() && std::all_of(version.begin(), version.end(),
                                                       [](char c) { return is(kDigit, c) || c == '.'; });
  return refused(numbers ? Reason::unsupported_version : Reason::bad_request_line);
}

// Takes the next line off; `rest` consists of whole lines.
std::string_view next_line(std::string_view& rest) noexcept {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

// Counts how often a head states the length of its body. llhttp also refuses more than one, but each version
// gives it a different error.
class LengthLines {
 public:
  // Is the name worth looking at? Hardly any is.
  [[nodiscard]] static bool may_be(std::size_t name_size) noexcept {
    return name_size == std::string_view("content-length").size() ||
           name_size == std::string_view("transfer-encoding").size();
  }
  // `value` is the rest of the line after the colon.
  void add(std::string_view name, std::string_view value) noexcept {
    if (equals_ignoring_case(name, "content-length")) {
      ++lines_;
      add_length(value);
    } else if (equals_ignoring_case(name, "transfer-encoding")) {
      ++codings_;
      spaces_ = spaces_ || ends_in_space(value);
    }
  }
  [[nodiscard]] bool contradict() const noexcept { return lines_ > 1 || (lines_ > 0 && codings_ > 0); }
  [[nodiscard]] bool plain() const noexcept { return !contradict() && lengths_ == lines_; }
  [[nodiscard]] bool spaces() const noexcept { return spaces_; }
  // For a response: the same number, byte for byte, in all lines and in all members of each; a transfer
  // coding may be present too.
  [[nodiscard]] bool agree() const noexcept {
    return equal_ && !first_.empty() && span_of(kDigit, first_) == first_.size();
  }
  [[nodiscard]] bool beside_coding() const noexcept { return codings_ > 0; }

 private:
  static bool ends_in_space(std::string_view value) noexcept {
    return !value.empty() && is_space(value.back());
  }
  void add_length(std::string_view value) noexcept {
    spaces_ = spaces_ || ends_in_space(value);
    if (const std::string_view number = trim(value);
        lengths_ == 0 && span_of(kDigit, number) == number.size()) {
      first_ = number;  // as it nearly always is
      lengths_ = 1;
      return;
    }
    for (;;) {
      const std::size_t comma = value.find(',');
      const std::string_view member = trim(value.substr(0, comma));
      if (lengths_ == 0) first_ = member;
      equal_ = equal_ && member == first_;
      ++lengths_;
      if (comma == std::string_view::npos) return;
      value.remove_prefix(comma + 1);
    }
  }

  unsigned lines_ = 0;    // Content-Length
  unsigned lengths_ = 0;  // their members
  unsigned codings_ = 0;  // lines of Transfer-Encoding
  bool equal_ = true;
  bool spaces_ = false;
  std::string_view first_;
};

// Whole field lines at the beginning of a text.
struct FieldLines {
  std::size_t count = 0;
  std::size_t longest = 0;  // without its CRLF
  LengthLines lengths;
};

// Takes lines off `rest`, up to the first that is not a field, such as the end of the head.
FieldLines take_fields(std::string_view& rest) noexcept {
  FieldLines lines;
  for (;;) {
    const std::size_t name = span_of(kTokenCharacter, rest);
    if (name == 0 || name == rest.size() || rest[name] != ':') return lines;
    const std::size_t line = name + 1 + value_span(rest.substr(name + 1));
    if (!rest.substr(line).starts_with("\r\n")) return lines;
    if (LengthLines::may_be(name))
      lines.lengths.add(rest.substr(0, name), rest.substr(name + 1, line - name - 1));
    lines.longest = std::max(lines.longest, line);
    ++lines.count;
    rest.remove_prefix(line + 2);
  }
}

Refusal bad_name(std::string_view line, bool first) noexcept {
  if (is_space(line.front())) return first ? Reason::space_before_fields : Reason::folded_field;
  const std::size_t name = span_of(kTokenCharacter, line);
  const bool space = name > 0 && is_space(line[name]);
  return {space ? Reason::space_before_colon : Reason::bad_field_name, name_of(line), line[name]};
}

// Stand-ins for the fields that give the body's length, or the reason to refuse them.
std::expected<StandIns, Refusal> check_lengths(const LengthLines& lengths, MessageKind kind) noexcept {
  StandIns stand_ins;
  stand_ins.spaces = lengths.spaces();
  const bool repairable = kind == MessageKind::response && !lengths.plain();
  if (repairable && lengths.agree()) {
    (lengths.beside_coding() ? stand_ins.no_length : stand_ins.one_length) = true;
  } else if (repairable || lengths.contradict()) {
    return std::unexpected(Refusal(Reason::two_lengths, "Content-Length"));
  }
  return stand_ins;
}

// `rest` consists of whole lines, the last one empty: if a scan stops before a CRLF, the byte there is not
// allowed.
std::expected<StandIns, Refusal> check_fields(std::string_view rest, MessageKind kind) noexcept {
  const FieldLines lines = take_fields(rest);
  if (!rest.starts_with("\r\n")) {
    const std::size_t name = span_of(kTokenCharacter, rest);
    if (name == 0 || rest[name] != ':') return std::unexpected(bad_name(rest, lines.count == 0));
    const std::size_t stop = name + 1 + value_span(rest.substr(name + 1));
    return std::unexpected(Refusal(Reason::control_byte, name_of(rest), rest[stop]));
  }
  return check_lengths(lines.lengths, kind);
}

// Is every byte one that llhttp accepts in a target? At least `known` of them are.
bool known_target(std::string_view target, std::size_t& known) noexcept {
  known = span_of(kTargetCharacter, target);
  if (known == target.size()) return true;
  const bool in_query = target.substr(0, known).find('?') != std::string_view::npos;
  if (in_query) known += span_of(kQueryCharacter, target.substr(known));
  return known == target.size();
}

// The two lines come without their line ends. Does the request line need a stand-in?
std::expected<bool, Refusal> check_request_line(std::string_view line, const HeadLimits& limits) noexcept {
  line.remove_suffix(std::string_view(" HTTP/1.1").size());  // checked by check_version()
  const std::size_t space = span_of(kTokenCharacter, line);
  if (space == 0 || space >= line.size() || line[space] != ' ') {
    return std::unexpected(Refusal(Reason::bad_request_line));
  }
  const std::string_view method = line.substr(0, space);
  const std::string_view target = line.substr(space + 1);
  if (target.size() > limits.target) return std::unexpected(Refusal(Reason::target_too_long));
  if (target.empty() || target.front() == '?') return std::unexpected(Refusal(Reason::bad_target));
  std::size_t sound = 0;
  if (known_target(target, sound)) return !standard_method(method);
  if (limits.targets_as_sent) sound += span_of(kSentTargetCharacter, target.substr(sound));
  if (sound < target.size()) return std::unexpected(Refusal(Reason::bad_target, {}, target[sound]));
  return true;
}

std::optional<Refusal> check_status_line(std::string_view line) noexcept {
  line.remove_prefix(kVersionPrefix.size());  // checked by begin_response()
  const bool version = !line.empty() && (line.front() == '0' || line.front() == '1');
  if (!version) return Refusal(Reason::unsupported_version);
  const bool status = line.size() >= 5 && line[1] == ' ' && line[2] != '0' &&
                      span_of(kDigit, line.substr(2)) == 3 && (line.size() == 5 || line[5] == ' ');
  if (!status || value_span(line) != line.size()) return Refusal(Reason::bad_status_line);
  return std::nullopt;
}

// Sets whether it needs a stand-in.
bool plain_request_line(std::string_view line, const HeadLimits& limits, bool& stand_in) noexcept {
  if (check_version(line) || line.find(' ') > kMaxMethod) return false;
  const auto checked = check_request_line(line, limits);
  stand_in = checked.value_or(false);
  return checked.has_value();
}

bool plain_status_line(std::string_view line, const HeadLimits& limits) noexcept {
  return line.starts_with(kVersionPrefix) && line.size() <= limits.field && !check_status_line(line);
}

}  // namespace

bool standard_method(std::string_view method) noexcept {
  switch (method.size()) {
    case 3: return method == "GET" || method == "PUT" || method == "PRI";
    case 4: return method == "POST" || method == "HEAD";
    case 5: return method == "PATCH" || method == "TRACE";
    case 6: return method == "DELETE";
    case 7: return method == "OPTIONS" || method == "CONNECT";
    default: return false;
  }
}

FoundHead find_head(std::string_view bytes, MessageKind kind, const HeadLimits& limits) noexcept {
  const bool request = kind == MessageKind::request;
  const StartLine start = request ? begin_request(bytes, limits) : begin_response(bytes, limits);
  if (start.refusal) return *start.refusal;
  if (start.bound == 0) return {};

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
      if (bound < line_bound) return refused(Reason::head_too_large);
      if (!start_line) return refused({Reason::field_too_large, name_of(bytes.substr(line))});
      return refused(request ? Reason::target_too_long : Reason::bad_status_line);
    }
    const auto end = static_cast<std::size_t>(static_cast<const char*>(feed) - bytes.data());
    if (end == line || bytes[end - 1] != '\r') {
      const std::string_view text = bytes.substr(line, end - line);
      return refused({Reason::bare_lf, start_line ? std::string_view() : name_of(text)});
    }
    const std::string_view text = bytes.substr(line, end - 1 - line);
    if (text.empty()) {
      found.state = HeadState::complete;
      found.end = end + 1;
      return found;
    }
    if (!start_line) {
      if (++found.fields > limits.fields) return refused(Reason::too_many_fields);
    } else if (request) {
      if (const auto refusal = check_version(text)) return *refusal;
    }
    line = end + 1;
    line_bound = line + limits.field + 2;
  }
}

std::expected<StandIns, Refusal> check_request_head(std::string_view head,
                                                    const HeadLimits& limits) noexcept {
  const auto line = check_request_line(next_line(head), limits);
  if (!line) return std::unexpected(line.error());
  auto stand_ins = check_fields(head, MessageKind::request);
  if (stand_ins) stand_ins->request_line = *line;
  return stand_ins;
}

std::expected<StandIns, Refusal> check_response_head(std::string_view head) noexcept {
  if (const auto refusal = check_status_line(next_line(head))) return std::unexpected(*refusal);
  return check_fields(head, MessageKind::response);
}

FoundHead find_plain_head(std::string_view bytes, MessageKind kind, const HeadLimits& limits) noexcept {
  const std::size_t feed = bytes.find('\n');
  if (feed == std::string_view::npos || feed == 0 || bytes[feed - 1] != '\r') return {};
  const std::string_view line = bytes.substr(0, feed - 1);
  StandIns stand_ins;
  const bool plain = kind == MessageKind::request ? plain_request_line(line, limits, stand_ins.request_line)
                                                  : plain_status_line(line, limits);
  if (!plain) return {};
  std::string_view rest = bytes.substr(feed + 1);
  const FieldLines lines = take_fields(rest);
  const std::size_t end = bytes.size() - rest.size() + 2;
  const bool agreed = kind == MessageKind::request ? !lines.lengths.contradict() : lines.lengths.plain();
  const bool whole = rest.starts_with("\r\n") && agreed;
  if (!whole || lines.count > limits.fields || lines.longest > limits.field || end > limits.head) return {};
  stand_ins.spaces = lines.lengths.spaces();
  return {.state = HeadState::complete,
          .stand_ins = stand_ins,
          .begin = 0,
          .end = end,
          .fields = lines.count,
          .refusal = {}};
}

}  // namespace gracevisor::http
