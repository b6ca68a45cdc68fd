#include "http/connection.h"

#include <algorithm>
#include <array>

#include "http/characters.h"

namespace gracevisor::http {

namespace {

// Fields meant for every recipient: naming one in Connection must not hide it from the app or the client. The
// classified names (Host, Cookie, X-Forwarded-*, ...) are all kept as well.
constexpr std::array<std::string_view, 20> kProtected = {
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-range",
    "content-encoding",
    "content-security-policy",
    "content-location",
    "etag",
    "location",
    "origin",
    "range",
    "referer",
    "server",
    "set-cookie",
    "strict-transport-security",
    "user-agent",
    "vary",
    "www-authenticate",
};

bool is_protected(const Field& field) noexcept {
  if (field.name != FieldName::other) return true;
  if (field.text.size() > 12 && equals_ignoring_case(field.text.substr(0, 12), "x-forwarded-")) return true;
  return std::any_of(kProtected.begin(), kProtected.end(),
                     [&field](std::string_view name) { return equals_ignoring_case(field.text, name); });
}

}  // namespace

bool has_member(std::string_view value, std::string_view name) noexcept {
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    if (equals_ignoring_case(member, name)) return true;
  }
  return false;
}

bool names_h2c(std::string_view upgrade) noexcept {
  for (std::string_view member = next_member(upgrade); !member.empty(); member = next_member(upgrade)) {
    if (equals_ignoring_case(trim(member.substr(0, member.find_first_of("/;"))), "h2c")) return true;
  }
  return false;
}

void ConnectionOptions::add(std::string_view value) noexcept {
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    if (equals_ignoring_case(member, "close")) {
      close = true;
    } else if (equals_ignoring_case(member, "keep-alive")) {
      keep_alive = true;
    } else if (equals_ignoring_case(member, "upgrade")) {
      upgrade = true;
    } else if (classify(member) == FieldName::other) {
      ++nominated;  // others either end at every hop or are protected
    }
  }
}

bool nominated_away(const Fields& fields, const Field& field) noexcept {
  const bool named = std::any_of(fields.begin(), fields.end(), [&field](const Field& other) {
    return other.name == FieldName::connection && has_member(other.value, field.text);
  });
  return named && !is_protected(field);
}

bool ends_at_every_hop(FieldName name) noexcept {
  switch (name) {
    case FieldName::connection:
    case FieldName::content_length:
    case FieldName::keep_alive:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::transfer_encoding:
    case FieldName::upgrade: return true;
    case FieldName::other:
    case FieldName::accept:
    case FieldName::content_type:
    case FieldName::cookie:
    case FieldName::date:
    case FieldName::expect:
    case FieldName::forwarded:
    case FieldName::host:
    case FieldName::idempotency_key:
    case FieldName::max_forwards:
    case FieldName::retry_after:
    case FieldName::via:
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_proto:
    case FieldName::x_gv_error:
    case FieldName::x_real_ip:
    case FieldName::x_request_id: return false;
  }
  return false;
}

}  // namespace gracevisor::http
