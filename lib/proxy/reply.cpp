#include "proxy/reply.h"

namespace gracevisor::proxy {

ReplyText text_of(Reply reply) noexcept {
  switch (reply) {
    case Reply::last_forward: return {200, "", ""};  // RFC 9110 section 7.6.2
    case Reply::underscore_header:
      return {400, "underscore-header", "A header's name has an underscore, which this app does not allow."};
    case Reply::bad_body: return {400, "bad-body", "The request's body is not framed as HTTP/1.1 says."};
    case Reply::no_route: return {404, "no-route", "No app is configured for this host and path."};
    case Reply::head_timeout: return {408, "head-timeout", "The request's head did not arrive in time."};
    case Reply::body_timeout: return {408, "body-timeout", "The request's body did not arrive in time."};
    case Reply::body_slow:
      return {408, "body-slow", "The request's body came too slowly while too many others were coming."};
    case Reply::body_too_large: return {413, "body-too-large", "The request's body is too large."};
    case Reply::upstream_refused:
      return {502, "upstream-refused", "No instance of the app takes connections."};
    case Reply::upstream_closed:
      return {502, "upstream-closed", "The app closed the connection without a complete response."};
    case Reply::bad_response: return {502, "bad-response", "The app's response is not valid HTTP/1.1."};
    case Reply::stopped: return {503, "stopped", "The app is stopped.", 5};
    case Reply::hold_timeout: return {503, "hold-timeout", "The app did not become ready in time.", 1};
    case Reply::hold_full: return {503, "hold-full", "Too many requests wait for the app.", 1};
    case Reply::drained: return {503, "drained", "The app's instance was stopped before it answered.", 1};
    case Reply::too_many_connections:
      return {503, "too-many-connections", "Too many connections are open.", 1};
    case Reply::proxy_exhausted:
      return {503, "proxy-exhausted",
              "The proxy has no descriptor, memory or local port left for a connection to the app.", 1};
    case Reply::upstream_timeout: return {504, "upstream-timeout", "The app did not answer in time."};
  }
  return {};
}

}  // namespace gracevisor::proxy
