// Heads as an intermediary writes them: hop-by-hop fields removed (RFC 9110 section 7.6.1), forwarding fields
// added, framing replaced by our own. Thread: the owner's; output is appended to a string whose capacity is
// reused.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "http/head.h"

namespace gracevisor::http {

// Changes to the fields of a head in transit: first `remove`, then `set`. Names are case-insensitive.
struct FieldEdits {
  std::span<const std::pair<std::string, std::string>> set = {};
  std::span<const std::string> remove = {};
  [[nodiscard]] bool empty() const noexcept { return set.empty() && remove.empty(); }
  // Is the field of that name removed or replaced?
  [[nodiscard]] bool touch(std::string_view name) const noexcept;
};

struct RequestForward {
  std::string_view client;          // address for X-Forwarded-For; empty for a Unix client
  std::string_view proto = "http";  // X-Forwarded-Proto
  bool trusted = false;  // the client is a trusted proxy: its X-Forwarded-* are kept and extended; otherwise
                         // they are replaced
  bool keep_alive = true;  // ask the app to keep the connection
  bool trailers = true;    // tell the app that trailer fields are accepted, if the client accepts them
  std::string_view request_id = {};  // X-Request-ID; empty: what the client sent, if anything
  bool via = true;                   // add Via (RFC 9110 section 7.6.3)
  bool keep_underscores = false;     // names with "_" pass
  bool expect = true;                // Expect passes; false if we tell the client to continue
  std::size_t strip = 0;             // bytes at the front of the path that the app does not see
  FieldEdits edits = {};
};
// Appends the request head for the app. A body of kind chunked or length keeps its kind. Only we set fields
// named X-Gv-…: a client's are removed. Returns the offset in `out` of the field that says how the body is
// framed.
std::size_t write_request_head(const RequestHead& head, const RequestForward& how, std::string& out);
// Changes a head that says at offset `framing` that its body is chunked, so that it gives this length
// instead (RFC 9112 section 6.2). The head does not grow.
void tell_length(std::string& head, std::size_t framing, std::uint64_t length);

// How the response is sent to the client: its framing and whether the connection is kept.
struct ResponseForward {
  int client_minor = 1;
  bool client_keep_alive = true;  // what the request allows and the daemon wants
  std::string_view date;          // IMF-fixdate, for a response without Date
  FieldEdits edits = {};
};
struct ResponsePlan {
  Framing framing;         // towards the client: until_close becomes chunked for 1.1 clients
  bool keep_alive = true;  // of the client's connection after this response
};
[[nodiscard]] ResponsePlan plan_response(const ResponseHead& head, const ResponseForward& how);
// Appends a final response's head as planned. For interim ones use write_interim_head. Only we set
// X-Gv-Error: an app's becomes X-Gv-App-Error.
void write_response_head(const ResponseHead& head, const ResponsePlan& plan, const ResponseForward& how,
                         std::string& out);
// Our own, for a client that waits to be told to send its body (RFC 9110 section 10.1.1).
inline constexpr std::string_view kContinueHead = "HTTP/1.1 100 Continue\r\n\r\n";
// In a 101, Upgrade is kept.
void write_interim_head(const ResponseHead& head, std::string& out);

// A complete answer of our own, body included: X-Gv-Error carries the reason's token (none: not an error);
// HTML if Accept asks for it, JSON for application/json, otherwise plain text; no body for HEAD.
struct OwnAnswer {
  int status = 500;
  Reason reason = Reason::none;
  std::string_view message;  // one sentence for people
  std::string_view accept;   // the request's Accept
  std::string_view request_id = {};
  std::string_view page = {};  // HTML instead of ours; empty: ours
  bool head_request = false;
  bool keep_alive = false;
  unsigned retry_after = 0;  // seconds; 0: no Retry-After
  std::string_view date;
};
// Appends it; returns the size of its head.
std::size_t write_own_answer(const OwnAnswer& answer, std::string& out);
// Reduces Accept to what OwnAnswer needs: "text/html" or "application/json", a constant; empty for plain
// text.
[[nodiscard]] std::string_view answer_type(std::string_view accept) noexcept;

[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// IMF-fixdate (RFC 9110 section 5.6.7), rebuilt once a second.
class DateCache {
 public:
  // `now` is wall-clock time; the view is valid until the next call.
  [[nodiscard]] std::string_view text(std::chrono::system_clock::time_point now);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace gracevisor::http
