// The check in front of llhttp: finds where a head ends, bounded by the limits, refuses what llhttp (in any
// of its versions) would accept although it must not pass, and finds what llhttp would refuse although it
// may: of that llhttp is given a stand-in. A stand-in never changes how a body is delimited, but for the one
// case in which RFC 9112 section 6.3 says so: an app's Content-Length beside its Transfer-Encoding does not
// count. Beyond that, nothing that is seen here decides what an accepted head means. Internal to http/.
// Thread: pure functions.
//
// find_head() decides on the bytes in their order, so that a head which arrives byte by byte is refused at
// the same byte, for the same reason, as one that arrives whole. It looks for line ends only (memchr), so
// asking again after every byte stays cheap. check_*() then look at every byte of a complete head once.
// find_plain_head() does the work of both for the head as it nearly always comes, whole and sound, and has no
// opinion on any other. It looks at every byte that is there, so it is not for a head that has been looked at
// before and was not whole.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "http/head.h"

namespace gracevisor::http {

enum class MessageKind : std::uint8_t { request, response };

// What llhttp is given in another form.
struct StandIns {
  // "/" for a target with bytes that it knows not, POST for a method that is not standard_method(). Neither a
  // target nor such a method says anything about the body (RFC 9112 section 6).
  bool request_line = false;
  bool spaces = false;      // a length's or a coding's value without the white space behind it
  bool one_length = false;  // of a response, equal lengths: one
  bool no_length = false;   // of a response, lengths beside a transfer coding: none
  [[nodiscard]] bool any() const noexcept { return request_line || in_fields(); }
  [[nodiscard]] bool in_fields() const noexcept { return spaces || repair(); }
  [[nodiscard]] bool repair() const noexcept { return one_length || no_length; }
  bool operator==(const StandIns&) const = default;
};

struct FoundHead {
  HeadState state = HeadState::incomplete;
  StandIns stand_ins;      // complete
  std::size_t begin = 0;   // complete: where the start line begins (behind one CRLF at most)
  std::size_t end = 0;     // complete: behind the empty line
  std::size_t fields = 0;  // complete: lines between the start line and the empty one
  Refusal refusal;         // refused
};

// The longest method that is looked at; longer ones are 501.
inline constexpr std::size_t kMaxMethod = 32;

// Those that llhttp is given as they are: all versions of it know them, and some have rules of their own.
[[nodiscard]] bool standard_method(std::string_view method) noexcept;

// Finds the end; `stand_ins` are left to check_*().
[[nodiscard]] FoundHead find_head(std::string_view bytes, MessageKind kind,
                                  const HeadLimits& limits) noexcept;

// Complete: what find_head() finds as well, and check_*() does not refuse. Incomplete: ask those.
[[nodiscard]] FoundHead find_plain_head(std::string_view bytes, MessageKind kind,
                                        const HeadLimits& limits) noexcept;

// `head` is what find_head() delimited: complete CRLF lines, the last one empty.
[[nodiscard]] std::expected<StandIns, Refusal> check_request_head(std::string_view head,
                                                                  const HeadLimits& limits) noexcept;
[[nodiscard]] std::expected<StandIns, Refusal> check_response_head(std::string_view head) noexcept;

}  // namespace gracevisor::http
