// Message heads: found complete in one buffer, checked by rules that refuse what must not pass, then parsed
// by llhttp (no lenient flag). Some things that may pass would be refused by llhttp (a method not in its
// list, a byte of the target, white space after a length, an app's Content-Length along with chunked): it is
// given these in another form, see head_check.h; the next hop gets what was received. This code behaves the
// same with llhttp 8.1 and 9.x. Lifetime: every view points into the bytes given to read_request() or
// read_response(). Thread: the owner's; a reader and its heads are reused, so that the steady state allocates
// nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/fields.h"
#include "http/limits.h"
#include "http/reasons.h"

namespace gracevisor::http {

// How a body is delimited (RFC 9112 section 6.3).
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  // for kind length; > 0
};

// `other` is any other token, in upper or lower case, and passes unchanged (RFC 9110 section 9.1).
enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, trace, connect, other };

// Safe to repeat (RFC 9110 section 9.2.2): GET HEAD OPTIONS TRACE PUT DELETE.
[[nodiscard]] bool idempotent(Method method) noexcept;

// Is the protocol that a 101 names (just one) among those that the request's Upgrade field asked for? (RFC
// 9110 section 7.8; names are compared ignoring case, because those in use are case-insensitive.)
[[nodiscard]] bool upgrade_matches(std::string_view asked, std::string_view answered) noexcept;

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  // origin-form (or "*"), as it is forwarded: absolute-form is reduced to it. An absolute-form with a query
  // but no path leaves "?query" (`path` is then "/"); write_request_head adds the slash.
  std::string_view target;
  std::string_view path;  // target without the query
  // Host as sent (or that of the absolute-form), without an empty port; empty for HTTP/1.0 without Host
  std::string_view authority;
  std::string host;    // for routing: lower-case, without port and final dot
  int minor = 1;       // HTTP/1.minor
  bool https = false;  // the target begins with https://: allowed only from a trusted proxy
  Fields fields;
  Framing body;
  bool keep_alive = true;  // may the client's connection carry another request?
  bool expects_continue = false;
  // For OPTIONS (RFC 9110 section 7.6.2): at 0 we are the final recipient and answer; otherwise it is
  // decremented and forwarded.
  std::optional<std::uint64_t> max_forwards;
  std::string_view upgrade;     // the Upgrade field's value if Connection names it on HTTP/1.1; else empty
  bool takes_trailers = false;  // "TE: trailers" (RFC 9110 section 10.1.4)
  bool underscores = false;     // some field's name contains "_"
  bool nominates = false;       // Connection names fields that end here
  std::string_view request_id;  // X-Request-ID, if it is fit to be passed on and logged
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor = 1;
  Fields fields;
  Framing body;  // as the request's method and the status imply
  // It gave the same length twice, or a length along with chunked (RFC 9112 section 6.3): the fields keep
  // only one of them, and keep_alive is false.
  bool repaired = false;
  bool keep_alive = true;  // may the upstream connection be reused (if the body ends by its framing)?
  std::optional<unsigned> keep_alive_timeout;  // seconds, from the Keep-Alive field
  bool retry_after = false;                    // has a Retry-After field
  bool nominates = false;                      // Connection names fields that end here
  std::string_view upgrade;                    // in a 101 that names it in Connection
  [[nodiscard]] bool interim() const noexcept { return status >= 100 && status < 200; }
};

enum class HeadState : std::uint8_t { incomplete, complete, refused };

struct HeadResult {
  HeadState state = HeadState::incomplete;
  std::size_t size = 0;  // complete: bytes of the head, including what was skipped before it
  Refusal refusal;       // refused
};

// Whether some of these bytes were looked at before, with the result `incomplete`. The first look assumes the
// head is complete, as it nearly always is, and looks at every byte; later looks only search for its end, so
// that a client that sends a head byte by byte does not cause it to be read once per byte.
enum class Look : std::uint8_t { first, again };

// Reads heads; one per worker is enough, since no state is kept between calls.
class HeadReader {
 public:
  HeadReader();
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;
  ~HeadReader();

  // `bytes` begins where a message begins. incomplete: call again with more appended to the same bytes. Both
  // looks give the same result.
  [[nodiscard]] HeadResult read_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head,
                                        Look look = Look::again);
  // `method` is the request's: an answer to HEAD has no body.
  [[nodiscard]] HeadResult read_response(std::string_view bytes, const HeadLimits& limits, Method method,
                                         ResponseHead& head, Look look = Look::again);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::http
