// Heads as an intermediary writes them: hop-by-hop fields removed (RFC 9110 section 7.6.1), forwarding fields
// added, framing our own. Thread: the owner's; output is appended to a string whose capacity is reused.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"

namespace gracevisor::http {

struct RequestForward {
  std::string_view client;          // address for X-Forwarded-For; empty for a Unix client
  std::string_view proto = "http";  // X-Forwarded-Proto
  bool trusted =
      false;  // the client is a trusted proxy: its X-Forwarded-* are extended and kept, else replaced
  bool keep_alive = true;  // ask the app to keep the connection
};
// Appends the request head for the app. A body of kind chunked or length stays of that kind.
void write_request_head(const RequestHead& head, const RequestForward& how, std::string& out);

// How the response goes to the client: its framing and whether the connection goes on.
struct ResponseForward {
  int client_minor = 1;
  bool client_keep_alive = true;  // what the request allows, and the daemon wants
  std::string_view date;          // IMF-fixdate for a response without Date
};
struct ResponsePlan {
  Framing framing;         // towards the client: until_close becomes chunked for 1.1 clients
  bool keep_alive = true;  // of the client's connection after this response
};
[[nodiscard]] ResponsePlan plan_response(const ResponseHead& head, const ResponseForward& how);
// Appends a final response's head as planned. For interim ones use write_interim_head.
void write_response_head(const ResponseHead& head, const ResponsePlan& plan, const ResponseForward& how,
                         std::string& out);
void write_interim_head(const ResponseHead& head, std::string& out);

// A whole answer of our own, body included: X-Gv-Error carries `token`; HTML where Accept asks for it, JSON
// for application/json, else plain text; no body for HEAD.
struct OwnAnswer {
  int status = 500;
  std::string_view token;
  std::string_view message;  // one sentence for people
  std::string_view accept;   // the request's Accept
  bool head_request = false;
  bool keep_alive = false;
  unsigned retry_after = 0;  // seconds; 0: no Retry-After
  std::string_view date;
};
void write_own_answer(const OwnAnswer& answer, std::string& out);

[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// IMF-fixdate (RFC 9110 section 5.6.7), made anew once a second.
class DateCache {
 public:
  // `now` is wall-clock time; the view is valid until the next call.
  [[nodiscard]] std::string_view text(std::chrono::system_clock::time_point now);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace gracevisor::http
