// Header fields as slices of the read buffer, with their names mapped to a small enum once, so that every
// rule after the parse is a switch. Lifetime: a slice is valid until the buffer that it was parsed from is
// consumed. Thread: values, the owner's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gracevisor::http {

// The names that some intermediary rule knows; everything else is `other` and passes byte for byte.
enum class FieldName : std::uint8_t {
  other,
  accept,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  forwarded,
  host,
  idempotency_key,
  keep_alive,
  max_forwards,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  retry_after,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  via,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_gv_error,
  x_real_ip,
  x_request_id,
};

struct Field {
  FieldName name = FieldName::other;
  bool plain_line = false;  // text and value are parts of a head's line that is exactly "text: value\r\n"
  std::string_view text;    // the name as it was written
  std::string_view value;   // without surrounding white space
};

using Fields = std::vector<Field>;

// Case-insensitive; `other` for unknown names.
[[nodiscard]] FieldName classify(std::string_view name) noexcept;
// Are they equal, ignoring case? Requires: a.size() == b.size().
[[nodiscard]] bool same_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && same_ignoring_case(a, b);
}
// Is `token` a member of the comma-separated list `value` (parameters after ';' ignored)? Case-insensitive.
[[nodiscard]] bool list_has(std::string_view value, std::string_view token) noexcept;

}  // namespace gracevisor::http
