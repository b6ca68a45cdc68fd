#include "support/wire.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>

namespace gracevisor::test {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Takes a line and its CRLF off; unset without one.
std::optional<std::string_view> take_line(std::string_view& bytes) {
  auto end = bytes.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  auto line = bytes.substr(0, end);
  bytes.remove_prefix(end + 2);
  return line;
}

template <class Number>
bool read_number(std::string_view text, Number& number, int base) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

class Reader {
 public:
  Reader(std::string_view bytes, bool ended) : bytes_(bytes), ended_(ended) {}

  Wire take() {
    wire_.rest = std::string(bytes_);
    return std::move(wire_);
  }
  [[nodiscard]] bool more() const { return !bytes_.empty() && wire_.problem.empty(); }

  // A start line and fields; false when they have not come whole, or are malformed.
  bool head(WireMessage& message) {
    std::string_view rest = bytes_;
    auto start = take_line(rest);
    if (!start) return false;
    message.start = std::string(*start);
    if (start->find_first_of("\r\n") != std::string_view::npos)
      return problem("a line end in the start line");
    if (!lines(rest, message.fields)) return false;
    bytes_ = rest;
    return true;
  }

  // False when the content is malformed.
  bool content(WireMessage& message, bool without, bool until_end) {
    std::string length = message.field("Content-Length");
    std::string coding = message.field("Transfer-Encoding");
    if (message.count("Content-Length") + message.count("Transfer-Encoding") > 1) {
      return problem("framed twice: " + message.start);
    }
    if (without) {
      message.whole = true;
      return true;
    }
    if (!coding.empty()) return coding == "chunked" ? chunks(message) : problem("a coding: " + coding);
    if (!length.empty()) return counted(message, length);
    if (!until_end) {
      message.whole = true;
      return true;
    }
    message.content = std::string(std::exchange(bytes_, {}));
    message.ends_with_close = true;
    message.whole = ended_;
    return true;
  }

  bool problem(std::string what) {
    wire_.problem = std::move(what);
    return false;
  }
  void add(WireMessage message) { wire_.messages.push_back(std::move(message)); }

 private:
  bool lines(std::string_view& rest, Lines& into) {
    for (;;) {
      auto line = take_line(rest);
      if (!line) return false;
      if (line->empty()) return true;
      auto colon = line->find(": ");
      bool valid = colon != std::string_view::npos && colon > 0 &&
                   line->substr(0, colon).find_first_of(" \t") == std::string_view::npos &&
                   line->find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
      if (!valid) return problem("no field: " + std::string(*line));
      into.emplace_back(line->substr(0, colon), line->substr(colon + 2));
    }
  }

  bool counted(WireMessage& message, std::string_view length) {
    std::uint64_t size = 0;
    if (!read_number(length, size, 10)) return problem("no length: " + std::string(length));
    auto here = static_cast<std::size_t>(std::min<std::uint64_t>(size, bytes_.size()));
    message.content = std::string(bytes_.substr(0, here));
    bytes_.remove_prefix(here);
    message.whole = here == size;
    return true;
  }

  bool chunks(WireMessage& message) {
    for (;;) {
      std::string_view rest = bytes_;
      auto line = take_line(rest);
      if (!line) return true;
      std::uint64_t size = 0;
      if (!read_number(*line, size, 16)) return problem("no chunk's size: " + std::string(*line));
      if (size == 0) {
        if (!lines(rest, message.trailers)) return wire_.problem.empty();
        bytes_ = rest;
        message.whole = true;
        return true;
      }
      auto here = static_cast<std::size_t>(std::min<std::uint64_t>(size, rest.size()));
      message.content += rest.substr(0, here);
      rest.remove_prefix(here);
      bytes_ = rest;
      if (here < size || rest.size() < 2) return true;
      if (!rest.starts_with("\r\n")) return problem("a chunk that does not end with its size");
      bytes_.remove_prefix(2);
    }
  }

  std::string_view bytes_;
  bool ended_;
  Wire wire_;
};

}  // namespace

std::string WireMessage::field(std::string_view name) const {
  std::string joined;
  bool first = true;
  for (const auto& [n, value] : fields) {
    if (!same_name(n, name)) continue;
    if (!std::exchange(first, false)) joined += ", ";
    joined += value;
  }
  return joined;
}

std::size_t WireMessage::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const auto& field) { return same_name(field.first, name); }));
}

int WireMessage::status() const {
  constexpr std::size_t kAt = 9;
  constexpr std::size_t kDigits = 3;
  int status = 0;
  bool valid = start.starts_with("HTTP/1.1 ") && start.size() > kAt + kDigits &&
               start[kAt + kDigits] == ' ' &&
               read_number(std::string_view(start).substr(kAt, kDigits), status, 10);
  return valid ? status : 0;
}

Wire read_responses(std::string_view bytes, End end, const std::vector<bool>& to_head) {
  Reader reader(bytes, end == End::finished);
  std::size_t finals = 0;
  while (reader.more()) {
    WireMessage message;
    if (!reader.head(message)) break;
    int status = message.status();
    if (status < 100 || status > 999) {
      (void)reader.problem("no status line: " + message.start);
      break;
    }
    bool without = message.interim() || status == 204 || status == 304;
    if (!message.interim()) {
      without = without || (finals < to_head.size() && to_head[finals]);
      ++finals;
    }
    bool valid = reader.content(message, without, !without);
    bool last = !message.whole || message.ends_with_close;
    reader.add(std::move(message));
    if (!valid || last) break;
  }
  return reader.take();
}

Wire read_requests(std::string_view bytes) {
  Reader reader(bytes, false);
  while (reader.more()) {
    WireMessage message;
    if (!reader.head(message)) break;
    bool valid = reader.content(message, false, false);
    bool whole = message.whole;
    reader.add(std::move(message));
    if (!valid || !whole) break;
  }
  return reader.take();
}

}  // namespace gracevisor::test
