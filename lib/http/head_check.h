// The check in front of llhttp: finds where a head ends, bounded by the limits, and refuses what llhttp (in
// any of its versions) would accept although it must not pass. It can only refuse: nothing that it sees
// decides what an accepted head means. Internal to http/. Thread: pure functions.
//
// find_head() decides on the bytes in their order, so that a head which arrives byte by byte is refused at
// the same byte, for the same reason, as one that arrives whole. It looks for line ends only (memchr), so
// asking again after every byte stays cheap. check_*() then look at every byte of a complete head once.
// find_plain_head() does the work of both for the head as it nearly always comes, whole and sound, and has no
// opinion on any other. It looks at every byte that is there, so it is not for a head that has been looked at
// before and was not whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/head.h"

namespace gracevisor::http {

enum class MessageKind : std::uint8_t { request, response };

struct FoundHead {
  HeadState state = HeadState::incomplete;
  std::size_t begin = 0;   // complete: where the start line begins (behind one CRLF at most)
  std::size_t end = 0;     // complete: behind the empty line
  std::size_t fields = 0;  // complete: lines between the start line and the empty one
  Refusal refusal;         // refused
};

// The longest method that is looked at; longer ones are unknown (501).
inline constexpr std::size_t kMaxMethod = 32;

[[nodiscard]] FoundHead find_head(std::string_view bytes, MessageKind kind,
                                  const HeadLimits& limits) noexcept;

// Complete: what find_head() finds as well, and check_*() does not refuse. Incomplete: ask those.
[[nodiscard]] FoundHead find_plain_head(std::string_view bytes, MessageKind kind,
                                        const HeadLimits& limits) noexcept;

// `head` is what find_head() delimited: complete CRLF lines, the last one empty.
[[nodiscard]] std::optional<Refusal> check_request_head(std::string_view head,
                                                        const HeadLimits& limits) noexcept;
[[nodiscard]] std::optional<Refusal> check_response_head(std::string_view head) noexcept;

}  // namespace gracevisor::http
