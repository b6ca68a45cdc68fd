// Escapes untrusted bytes that go between the quotes of a log line: everything that could end the string or
// the line, or control a terminal. Both functions stop before the character whose escaped form would exceed
// `room` bytes. Thread: functions on values, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gracevisor::proxy {

// For JSON (RFC 8259 section 7): quotes, backslashes, C0 and C1 controls and DEL are escaped; valid UTF-8
// stays as it is, and other bytes become \u00XX.
void append_json_escaped(std::string_view text, std::size_t room, std::string& out);
// As nginx does it: quotes, backslashes and everything that is not printable ASCII become \xHH.
void append_hex_escaped(std::string_view text, std::size_t room, std::string& out);

}  // namespace gracevisor::proxy
