#include <algorithm>

#include "http/characters.h"
#include "http/connection.h"
#include "http/framing.h"
#include "http/head_meaning.h"

namespace gracevisor::http {

namespace {

constexpr int kSwitchingProtocols = 101;

// No body, regardless of the fields (RFC 9112 section 6.3).
bool never_has_body(Method method, int status) noexcept {
  return method == Method::head || status < 200 || status == 204 || status == 304;
}

// "timeout=5, max=100"
std::optional<unsigned> timeout_of(std::string_view value) noexcept {
  constexpr std::uint64_t kMost = 86400;
  constexpr std::string_view kKey = "timeout=";
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    std::uint64_t seconds = 0;
    const bool named =
        member.size() > kKey.size() && equals_ignoring_case(member.substr(0, kKey.size()), kKey);
    if (!named || !parse_decimal(member.substr(kKey.size()), seconds)) continue;
    return static_cast<unsigned>(std::min(seconds, kMost));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> understand_response(HeadParser& parser, Method method, ResponseHead& head) {
  head.status = parser.status();
  head.reason = parser.reason();
  head.minor = parser.minor();

  FramingFields declared;
  ConnectionOptions connection;
  std::string_view upgrade;
  head.keep_alive_timeout.reset();
  head.retry_after = false;
  for (const Field& field : head.fields) {
    if (field.name == FieldName::connection) {
      connection.add(field.value);
    } else if (field.name == FieldName::upgrade) {
      upgrade = field.value;
    } else if (field.name == FieldName::keep_alive) {
      head.keep_alive_timeout = timeout_of(field.value);
    } else if (field.name == FieldName::retry_after) {
      head.retry_after = true;
    } else {
      declared.add(field);
    }
  }
  head.nominates = connection.nominated > 0;
  const bool switches = head.status == kSwitchingProtocols && connection.upgrade && !names_h2c(upgrade);
  head.upgrade = switches ? upgrade : std::string_view();
  const auto framing = declared.decide(head.minor);
  if (!framing) return framing.error();
  if (connection.too_many()) return Refusal(Reason::too_many_connection_options, "Connection");
  head.keep_alive = !connection.close && (head.minor == 1 || connection.keep_alive);
  head.body = *framing;
  if (never_has_body(method, head.status)) {
    // An app that announces content where none is allowed may also send it: its connection is not reused.
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
