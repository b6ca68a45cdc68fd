// Rewrites heads into forms that must mean the same: with what llhttp is given a stand-in for (odd_*), and
// without it (plain_*). `head` is a complete head that was accepted, without what preceded its start line.
// Thread: pure functions.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "http/fields.h"
#include "http/head_check.h"

namespace gracevisor::test {

inline std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n") + 2;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end);
  return line;
}

inline std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

struct HeadLine {
  std::string_view name;
  std::string_view value;
  [[nodiscard]] bool length() const { return http::equals_ignoring_case(name, "content-length"); }
  [[nodiscard]] bool coding() const { return http::equals_ignoring_case(name, "transfer-encoding"); }
};

inline HeadLine split(std::string_view line) {
  line.remove_suffix(2);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};  // the empty line
  return {line.substr(0, colon), without_spaces(line.substr(colon + 1))};
}

inline std::string_view request_method(std::string_view head) {
  return head.substr(0, head.find(' '));
}
inline std::string_view request_target(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t space = line.find(' ');
  return line.substr(space + 1, line.rfind(' ') - space - 1);
}

// Length and coding lines rewritten by `write(HeadLine, out)`; the others as they are.
template <class Write>
void rewrite_lengths(std::string_view fields, std::string& out, Write write) {
  while (!fields.empty()) {
    const std::string_view line = take_line(fields);
    const HeadLine parts = split(line);
    if (parts.length() || parts.coding()) {
      write(parts, out);
    } else {
      out.append(line);
    }
  }
}

inline std::string plain_request(std::string_view head) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  const std::string_view method = request_method(line);
  std::string out(http::standard_method(method) ? method : "POST");
  out += ' ';
  for (const char c : request_target(line)) {
    const bool odd = static_cast<unsigned char>(c) >= 0x80 || std::string_view("<>\"{}|^`\\").find(c) < 9;
    out += odd ? 'x' : c;
  }
  out.append(line.substr(line.rfind(' ')));
  rewrite_lengths(rest, out, [](const HeadLine& parts, std::string& to) {
    to.append(parts.name).append(": ").append(parts.value).append("\r\n");
  });
  return out;
}

// For a request whose method has no rules of its own and whose target is a path.
inline std::string odd_request(std::string_view head) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  std::string out = "Odd^method ";
  out.append(request_target(line)).append("<\"^\xc3\xa9\\>").append(line.substr(line.rfind(' ')));
  rewrite_lengths(rest, out, [](const HeadLine& parts, std::string& to) {
    to.append(parts.name).append(":\t").append(parts.value).append(" \t\r\n");
  });
  return out;
}

inline bool has_coding(std::string_view fields) {
  while (!fields.empty()) {
    if (split(take_line(fields)).coding()) return true;
  }
  return false;
}

inline std::string plain_response(std::string_view head) {
  std::string_view rest = head;
  std::string out(take_line(rest));
  const bool coding = has_coding(rest);
  bool seen = false;
  rewrite_lengths(rest, out, [&](const HeadLine& parts, std::string& to) {
    if (parts.length() && (coding || seen)) return;
    seen = seen || parts.length();
    const std::string_view value =
        parts.length() ? without_spaces(parts.value.substr(0, parts.value.find(','))) : parts.value;
    to.append(parts.name).append(": ").append(value).append("\r\n");
  });
  return out;
}

// For a response that says how long its body is, and is not interim.
inline std::string odd_response(std::string_view head) {
  std::string_view rest = head;
  std::string out(take_line(rest));
  rewrite_lengths(rest, out, [](const HeadLine& parts, std::string& to) {
    to.append(parts.name).append(":\t").append(parts.value).append("\t\r\n");
    to.append("content-length: ").append(parts.coding() ? "7" : parts.value).append("\r\n");
  });
  return out;
}

}  // namespace gracevisor::test
