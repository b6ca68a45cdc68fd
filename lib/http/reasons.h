// Why the proxy answers a request itself or cuts it off: for each reason a token, the status of the answer,
// and one sentence for people. The token appears in X-Gv-Error, as `error` in access logs, and in the
// daemon's log; gracevisord(8) lists the whole table, and a test keeps the two in step. A token that is not
// in this table cannot be written anywhere. Thread: constants.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gracevisor::http {

// That status and those above it say that the server failed (RFC 9110 section 15.6).
inline constexpr int kServerError = 500;

enum class Reason : std::uint8_t {
  none,  // not an error, such as an answer to OPTIONS with Max-Forwards: 0

  // The head of a request, or also of a response if the sentence says "message".
  bad_request_line,
  bad_target,
  https_target,
  two_schemes,
  bad_host,
  two_hosts,
  bad_field_name,
  space_before_fields,
  space_before_colon,
  folded_field,
  control_byte,
  bare_lf,
  bad_length,
  two_lengths,
  bad_transfer_encoding,
  transfer_encoding_on_1_0,
  too_many_connection_options,
  bad_head,
  tls_on_plain_port,
  underscore_header,
  method_not_allowed,
  target_too_long,
  unknown_expectation,
  head_too_large,
  field_too_large,
  too_many_fields,
  unknown_method,
  method_too_long,
  unknown_transfer_encoding,
  unsupported_version,
  loop,

  // A message's body.
  bad_chunk_size,
  bad_chunk_extension,
  bad_chunk_end,
  bad_trailer,
  body_too_large,

  // A slow client, or one too many.
  head_timeout,
  body_timeout,
  body_slow,
  send_timeout,
  client_closed,
  too_many_connections,
  bad_proxy_header,

  // The app and its instances.
  no_route,
  bad_status_line,
  unasked_upgrade,
  too_many_interim,
  chunk_too_large,
  upstream_truncated,
  upstream_refused,
  upstream_closed,
  upstream_timeout,
  proxy_exhausted,
  tunnel_timeout,
  stopped,
  crash_loop,
  hold_timeout,
  hold_full,
  drained,
  last_ = drained,
};

struct ReasonText {
  Reason reason = Reason::none;
  int status = 0;  // for requests; a response that breaks the rule is 502. 0: never an answer, only a cut
  std::string_view token;
  std::string_view sentence;
  unsigned retry_after = 0;  // seconds; 0: none
};

inline constexpr auto kReasons = std::to_array<ReasonText>({
    {Reason::none, 200, "", ""},

    {Reason::bad_request_line, 400, "bad-request-line", "The request line is not one of HTTP/1.1."},
    {Reason::bad_target, 400, "bad-target",
     "The request's target is malformed or has a byte that is not allowed there."},
    {Reason::https_target, 400, "https-target",
     "The request's target begins with https:// and the client is no trusted proxy."},
    {Reason::two_schemes, 400, "two-schemes",
     "The request's target begins with https:// and X-Forwarded-Proto differs."},
    {Reason::bad_host, 400, "bad-host", "The Host field is missing, repeated or malformed."},
    {Reason::two_hosts, 400, "two-hosts", "The request's target and its Host field name different hosts."},
    {Reason::bad_field_name, 400, "bad-field-name",
     "A field's name is empty or has a byte that is not allowed there."},
    {Reason::space_before_fields, 400, "space-before-fields",
     "There is white space between the start line and the first field."},
    {Reason::space_before_colon, 400, "space-before-colon",
     "There is white space between a field's name and its colon."},
    {Reason::folded_field, 400, "folded-field", "A field continues on the next line."},
    {Reason::control_byte, 400, "control-byte",
     "A field's value has a control byte, such as NUL or a lone carriage return."},
    {Reason::bare_lf, 400, "bare-lf", "A line of the head ends with a lone line feed."},
    {Reason::bad_length, 400, "bad-length", "The Content-Length is not a number, or is too large."},
    {Reason::two_lengths, 400, "two-lengths",
     "Content-Length occurs more than once, or beside Transfer-Encoding."},
    {Reason::bad_transfer_encoding, 400, "bad-transfer-encoding",
     "The Transfer-Encoding is not a single chunked."},
    {Reason::transfer_encoding_on_1_0, 400, "transfer-encoding-on-1.0",
     "An HTTP/1.0 message has a Transfer-Encoding."},
    {Reason::too_many_connection_options, 400, "too-many-connection-options",
     "The Connection field names more than 32 fields."},
    {Reason::bad_head, 400, "bad-head", "The head is not one of HTTP/1.1."},
    {Reason::tls_on_plain_port, 400, "tls-on-plain-port", "The client speaks TLS and this port does not."},
    {Reason::underscore_header, 400, "underscore-header",
     "A field's name has an underscore, which this app does not allow."},
    {Reason::method_not_allowed, 405, "method-not-allowed", "CONNECT and TRACE are not served."},
    {Reason::target_too_long, 414, "target-too-long", "The request's target is longer than max_target."},
    {Reason::unknown_expectation, 417, "unknown-expectation",
     "The Expect field asks for something other than 100-continue."},
    {Reason::head_too_large, 431, "head-too-large",
     "The head is larger than max_head or, a response's, than max_response_head."},
    {Reason::field_too_large, 431, "field-too-large", "A field is longer than max_field."},
    {Reason::too_many_fields, 431, "too-many-fields", "The head has more fields than max_fields."},
    {Reason::unknown_method, 501, "unknown-method", "The method is PRI, which belongs to HTTP/2."},
    {Reason::method_too_long, 501, "method-too-long", "The method is longer than 32 bytes."},
    {Reason::unknown_transfer_encoding, 501, "unknown-transfer-encoding",
     "The Transfer-Encoding has another coding before chunked."},
    {Reason::unsupported_version, 505, "unsupported-version",
     "The message's version is neither HTTP/1.0 nor HTTP/1.1."},
    {Reason::loop, 508, "loop", "The request has come through this proxy more than 8 times already."},

    {Reason::bad_chunk_size, 400, "bad-chunk-size", "The size of a chunk of the body is malformed."},
    {Reason::bad_chunk_extension, 400, "bad-chunk-extension",
     "A chunk's extension is malformed or too long, or all of them together are."},
    {Reason::bad_chunk_end, 400, "bad-chunk-end", "A chunk of the body does not end where its size says."},
    {Reason::bad_trailer, 400, "bad-trailer",
     "A trailer field is malformed, or the trailer fields are too many or too long."},
    {Reason::body_too_large, 413, "body-too-large", "The request's body is larger than max_body."},

    {Reason::head_timeout, 408, "head-timeout", "The request's head did not arrive within head_timeout."},
    {Reason::body_timeout, 408, "body-timeout", "The request's body did not arrive in time."},
    {Reason::body_slow, 408, "body-slow",
     "The request's body came too slowly while too many others were coming."},
    {Reason::send_timeout, 0, "send-timeout",
     "The client took nothing of the response, or sent nothing of its body, for too long."},
    {Reason::client_closed, 0, "client-closed", "The client left before the response was complete."},
    {Reason::too_many_connections, 503, "too-many-connections", "Too many connections are open.", 1},
    {Reason::bad_proxy_header, 0, "bad-proxy-header",
     "The connection does not begin with a PROXY header of at most 4096 bytes, or not in time."},

    {Reason::no_route, 404, "no-route", "No app is configured for this host and path."},
    {Reason::bad_status_line, 502, "bad-status-line",
     "The app's response does not begin with a status line of HTTP/1.0 or 1.1."},
    {Reason::unasked_upgrade, 502, "unasked-upgrade",
     "The app answered 101 where nothing, or something else, was asked for."},
    {Reason::too_many_interim, 502, "too-many-interim",
     "The app sent more interim responses than max_interim_responses."},
    {Reason::chunk_too_large, 0, "chunk-too-large", "The app sent a chunk of more than 2 GiB."},
    {Reason::upstream_truncated, 0, "upstream-truncated",
     "The app ended its response before it was complete."},
    {Reason::upstream_refused, 502, "upstream-refused", "No instance of the app takes connections."},
    {Reason::upstream_closed, 502, "upstream-closed",
     "The app closed the connection without a complete response."},
    {Reason::upstream_timeout, 504, "upstream-timeout", "The app did not answer in time."},
    {Reason::proxy_exhausted, 503, "proxy-exhausted",
     "The proxy has no descriptor, memory or local port left for a connection to the app.", 1},
    {Reason::tunnel_timeout, 0, "tunnel-timeout",
     "No byte passed through the tunnel for tunnel_timeout or half_close_timeout."},
    {Reason::stopped, 503, "stopped", "The app is stopped.", 5},
    {Reason::crash_loop, 503, "crash-loop", "The app exits again and again.", 5},
    {Reason::hold_timeout, 503, "hold-timeout", "The app did not become ready in time.", 1},
    {Reason::hold_full, 503, "hold-full", "Too many requests wait for the app.", 1},
    {Reason::drained, 503, "drained", "The app's instance was stopped before it answered.", 1},
});

// The rows follow the order of the enum.
[[nodiscard]] consteval bool reasons_are_complete() {
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    if (static_cast<std::size_t>(kReasons[i].reason) != i) return false;
  }
  return kReasons.size() == static_cast<std::size_t>(Reason::last_) + 1;
}
static_assert(reasons_are_complete());

[[nodiscard]] constexpr const ReasonText& text_of(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)];
}

// A rule that a message breaks, or another reason for our own answer.
struct Refusal {
  Reason reason = Reason::none;
  std::int16_t byte = -1;  // the byte that is not allowed; -1: no single byte is to blame
  int status = 0;          // sent to the client; 502 if the response breaks the rule
  // The name of the field that breaks it, without bytes not allowed in a name; empty: none. Lifetime: that of
  // the bytes read.
  std::string_view field = {};

  constexpr Refusal() noexcept = default;
  // Implicit: a reason can be used as a refusal, with the status for requests.
  constexpr Refusal(Reason why) noexcept : reason(why), status(text_of(why).status) {}
  constexpr Refusal(Reason why, std::string_view of) noexcept : Refusal(why) { field = of; }
  constexpr Refusal(Reason why, std::string_view of, char found) noexcept : Refusal(why, of) {
    byte = static_cast<unsigned char>(found);
  }
  [[nodiscard]] constexpr std::string_view token() const noexcept { return text_of(reason).token; }
};

}  // namespace gracevisor::http
