#include "http/connection.h"
#include "http/framing.h"
#include "http/head_meaning.h"

namespace gracevisor::http {

namespace {

// No body whatever the fields say (RFC 9112 section 6.3).
bool never_has_body(Method method, int status) noexcept {
  return method == Method::head || status < 200 || status == 204 || status == 304;
}

}  // namespace

std::optional<Refusal> understand_response(HeadParser& parser, Method method, ResponseHead& head) {
  head.status = parser.status();
  head.reason = parser.reason();
  head.minor = parser.minor();

  FramingFields declared;
  ConnectionOptions connection;
  for (const Field& field : head.fields) {
    if (field.name == FieldName::connection) {
      connection.add(field.value);
    } else {
      declared.add(field);
    }
  }
  const auto framing = declared.decide(head.minor);
  if (!framing) return Refusal{502, framing.error().token};
  if (connection.too_many) return Refusal{502, "too-many-connection-options"};
  head.keep_alive = !connection.close && (head.minor == 1 || connection.keep_alive);
  head.body = *framing;
  if (never_has_body(method, head.status)) {
    // An app that announces content where none can be may send it as well: its connection ends here.
    const bool forbidden = head.status < 200 || head.status == 204;
    if (forbidden && framing->kind != Framing::Kind::none) head.keep_alive = false;
    head.body = {};
  } else if (!declared.any()) {
    head.body = {.kind = Framing::Kind::until_close, .length = 0};
    head.keep_alive = false;
  }
  return std::nullopt;
}

}  // namespace gracevisor::http
