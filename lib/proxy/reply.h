// The answers that the proxy gives by itself: for each one status, one token (X-Gv-Error) and one sentence.
// Thread: constants.
#pragma once

#include <cstdint>
#include <string_view>

namespace gracevisor::proxy {

enum class Reply : std::uint8_t {
  last_forward,
  underscore_header,
  bad_body,
  no_route,
  head_timeout,
  body_timeout,
  body_slow,
  body_too_large,
  upstream_refused,
  upstream_closed,
  bad_response,
  stopped,
  hold_timeout,
  hold_full,
  drained,
  too_many_connections,
  proxy_exhausted,
  upstream_timeout,
};

struct ReplyText {
  int status = 500;
  std::string_view token;
  std::string_view message;
  unsigned retry_after = 0;  // seconds; 0: none
};

[[nodiscard]] ReplyText text_of(Reply reply) noexcept;

}  // namespace gracevisor::proxy
