// One line of an access log for one exchange, as JSON or in NCSA's combined form. It may contain any byte a
// client or an app sends, escaped (proxy/log_escape.h). Allocates only when the string to which it appends
// has to grow. The keys are documented in gracevisord(8) and stay as they are. Thread: values, the owner's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "config/config.h"
#include "http/reasons.h"

namespace gracevisor::proxy {

// Each text that a client sent is cut so that its escaped form in the line is no longer than this.
inline constexpr std::size_t kLongestAccessText = 2048;
// No line is longer than this, its newline included.
inline constexpr std::size_t kLongestAccessLine = 16384;

struct AccessRecord {
  using Microseconds = std::chrono::microseconds;

  std::chrono::system_clock::time_point time;  // when the head was complete
  std::string_view client;                     // an address, or "unix"
  std::string_view listener;
  std::string_view app;           // empty: none matched
  base::GenerationId generation;  // of the last instance tried; none: 0
  base::Slot slot;                // its slot
  std::string_view request_line;  // of a refused head, as it came; replaces the next four
  std::string_view method;
  std::string_view target;
  std::string_view host;
  int minor = 1;               // HTTP/1.minor
  int status = 0;              // sent; 499: the client left first; 0: none
  std::uint64_t bytes_in = 0;  // of the request's content
  // That the client's socket took: heads, framing, content. Of a refused head's answer: all that was written.
  std::uint64_t bytes_out = 0;
  std::uint64_t head_bytes_out = 0;  // of those, the heads
  std::string_view referer;
  std::string_view user_agent;
  std::string_view request_id;
  http::Reason error = http::Reason::none;  // of our own answer, or why the exchange was cut short
  std::string_view end;                     // how the exchange ended: "done", ...
  std::string_view phase;                   // the phase in which it ended, unless "done"
  std::optional<Microseconds> body;         // from the head to the request's end, if it has a body
  std::optional<Microseconds> held;         // how long it waited for an instance
  std::optional<Microseconds> connect;      // how long the last connection took
  // From the request's end or the connection, whichever came later, to the response's head.
  std::optional<Microseconds> head;
  Microseconds total{};
  unsigned replays = 0;
  bool reused = false;    // the last connection came from the pool
  bool upgraded = false;  // it became a tunnel
};

// Appends the line and its newline.
void append_access_line(config::AccessFormat format, const AccessRecord& record, std::string& out);

}  // namespace gracevisor::proxy
