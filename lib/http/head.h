// Message heads: found whole in one buffer, checked by rules that refuse what must not pass, then read by
// llhttp (no lenient flag). What llhttp would refuse although it may pass (a method that is not in its list,
// a byte of the target, white space behind a length, an app's Content-Length beside chunked) it is given in
// another form, see head_check.h; what is written for the next hop is what came. What stands here behaves the
// same with llhttp 8.1 and 9.x. Lifetime: every view points into the bytes that were given to read(). Thread:
// the owner's; a reader and its heads are reused, so that the steady state allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/fields.h"
#include "http/reasons.h"

namespace gracevisor::http {

struct HeadLimits {
  std::size_t target = 8192;  // 414
  std::size_t head = 32768;   // 431
  std::size_t fields = 100;   // 431
  std::size_t field = 16384;  // 431
  // Targets pass with what RFC 9112 section 3.2 wants refused, but for controls, space, DEL and "#"; else
  // 400.
  bool targets_as_sent = true;
};

// How a body is delimited (RFC 9112 section 6.3).
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;  // for kind length; > 0
};

// `other` is any further token, in whatever case, and passes as it came (RFC 9110 section 9.1).
enum class Method : std::uint8_t { get, head, post, put, delete_, options, patch, trace, connect, other };

// Safe to repeat (RFC 9110 section 9.2.2): GET HEAD OPTIONS TRACE PUT DELETE.
[[nodiscard]] bool idempotent(Method method) noexcept;

// Is what a 101 answers (one protocol) among what the request's Upgrade field asked for? (RFC 9110 section
// 7.8; names compare without case, as those in use do.)
[[nodiscard]] bool upgrade_matches(std::string_view asked, std::string_view answered) noexcept;

struct RequestHead {
  Method method = Method::get;
  std::string_view method_text;
  // origin-form (or "*"), as it is forwarded: absolute-form is reduced to it. One that had no path leaves
  // "?query"
  // (`path` is "/" then); write_request_head puts the slash in front.
  std::string_view target;
  std::string_view path;  // target without the query
  // Host as sent (or the absolute-form's), less an empty port; empty on HTTP/1.0 without Host
  std::string_view authority;
  std::string host;    // for routing: lower-case, without port and final dot
  int minor = 1;       // HTTP/1.minor
  bool https = false;  // the target begins with https://: only a trusted proxy's may
  Fields fields;
  Framing body;
  bool keep_alive = true;  // may the client's connection carry a further request?
  bool expects_continue = false;
  // Of OPTIONS (RFC 9110 section 7.6.2): at 0 we are the final recipient and answer; else it is forwarded
  // less 1.
  std::optional<std::uint64_t> max_forwards;
  std::string_view upgrade;     // the Upgrade field's value where Connection names it on HTTP/1.1; else empty
  bool takes_trailers = false;  // "TE: trailers" (RFC 9110 section 10.1.4)
  bool underscores = false;     // some field's name has "_"
  bool nominates = false;       // Connection names fields that end here
  std::string_view request_id;  // X-Request-ID where there is one that is fit to be passed on and logged
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor = 1;
  Fields fields;
  Framing body;  // as the request's method and the status imply
  // Its length stood there twice, the same, or beside chunked (RFC 9112 section 6.3): the fields have one of
  // them, and keep_alive is false.
  bool repaired = false;
  bool keep_alive = true;  // may the upstream connection be used again (if the body ends by its framing)?
  std::optional<unsigned> keep_alive_timeout;  // seconds, of the Keep-Alive field
  bool retry_after = false;                    // a Retry-After field
  bool nominates = false;                      // Connection names fields that end here
  std::string_view upgrade;                    // of a 101 that names it in Connection
  [[nodiscard]] bool interim() const noexcept { return status >= 100 && status < 200; }
};

enum class HeadState : std::uint8_t { incomplete, complete, refused };

struct HeadResult {
  HeadState state = HeadState::incomplete;
  std::size_t size = 0;  // complete: bytes of the head, with what was skipped before it
  Refusal refusal;       // refused
};

// Whether these bytes were looked at before, by somebody who has got `incomplete` for some of them. The first
// look takes it that the head is whole, as it nearly always is, and looks at every byte; the others only look
// for its end, so that whoever sends a head byte by byte makes nobody read it as often.
enum class Look : std::uint8_t { first, again };

// Reads heads; one per worker is enough, no state stays between two calls.
class HeadReader {
 public:
  HeadReader();
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;
  ~HeadReader();

  // `bytes` begins where a message begins. incomplete: call again with more behind the same bytes.
  // Both looks find the same.
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
