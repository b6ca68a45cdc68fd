// The check before llhttp: finds where a head ends, bounded by the limits, refuses what must not pass
// although llhttp (in any version) would accept it, and finds what may pass although llhttp would refuse it:
// llhttp is given a stand-in for that. A stand-in never changes how a body is delimited, except in the one
// case where RFC 9112 section 6.3 says so: an app's Content-Length along with its Transfer-Encoding does not
// count. Apart from that, nothing here decides what an accepted head means. Internal to http/. Thread: pure
// functions.
//
// find_head() examines the bytes in order, so that a head that arrives byte by byte is refused at the same
// byte, for the same reason, as one that arrives all at once. It only searches for line ends (memchr), so
// asking again after every byte stays cheap. check_*() then look at every byte of a complete head once.
// find_plain_head() does the work of both for the usual head, complete and valid, and gives no verdict on any
// other. It looks at every byte available, so it must not be used for a head that was seen before and was
// incomplete.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "http/head.h"

namespace gracevisor::http {

enum class MessageKind : std::uint8_t { request, response };

// What llhttp is given in a form other than the received one.
struct StandIns {
  // "/" for a target with bytes that it does not know, POST for a method that is not a standard_method().
  // Neither a target nor such a method says anything about the body (RFC 9112 section 6).
  bool request_line = false;
  bool spaces = false;      // a length's or a coding's value without trailing white space
  bool one_length = false;  // in a response with equal lengths: just one
  bool no_length = false;   // in a response with lengths and a transfer coding: no length
  [[nodiscard]] bool any() const noexcept { return request_line || in_fields(); }
  [[nodiscard]] bool in_fields() const noexcept { return spaces || repair(); }
  [[nodiscard]] bool repair() const noexcept { return one_length || no_length; }
  bool operator==(const StandIns&) const = default;
};

struct FoundHead {
  HeadState state = HeadState::incomplete;
  StandIns stand_ins;      // complete
  std::size_t begin = 0;   // complete: where the start line begins (after at most one CRLF)
  std::size_t end = 0;     // complete: just after the empty line
  std::size_t fields = 0;  // complete: lines between the start line and the empty one
  Refusal refusal;         // refused
};

// The longest method accepted; longer ones get a 501.
inline constexpr std::size_t kMaxMethod = 32;

// The methods that llhttp is given unchanged: all its versions know them, and some have special rules.
[[nodiscard]] bool standard_method(std::string_view method) noexcept;

// Finds the end; check_*() determine the `stand_ins`.
[[nodiscard]] FoundHead find_head(std::string_view bytes, MessageKind kind,
                                  const HeadLimits& limits) noexcept;

// Complete: find_head() would find the same, and check_*() would not refuse it. Incomplete: ask find_head()
// and check_*().
[[nodiscard]] FoundHead find_plain_head(std::string_view bytes, MessageKind kind,
                                        const HeadLimits& limits) noexcept;

// `head` is what find_head() delimited: complete CRLF lines, the last one empty.
[[nodiscard]] std::expected<StandIns, Refusal> check_request_head(std::string_view head,
                                                                  const HeadLimits& limits) noexcept;
[[nodiscard]] std::expected<StandIns, Refusal> check_response_head(std::string_view head) noexcept;

}  // namespace gracevisor::http
