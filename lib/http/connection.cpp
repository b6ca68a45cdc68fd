#include "http/connection.h"

#include <algorithm>

#include "http/characters.h"

namespace gracevisor::http {

namespace {

// Fields that are meant for every recipient: naming one in Connection must not hide it from the app or the
// client. The classified names (Host, Cookie, X-Forwarded-*, ...) are all of them kept as well.
constexpr std::array<std::string_view, 21> kProtected = {
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
    "x-gv-error",
};

bool is_protected(const Field& field) noexcept {
  if (field.name != FieldName::other) return true;
  if (field.text.size() > 12 && equals_ignoring_case(field.text.substr(0, 12), "x-forwarded-")) return true;
  return std::any_of(kProtected.begin(), kProtected.end(),
                     [&field](std::string_view name) { return equals_ignoring_case(field.text, name); });
}

}  // namespace

void ConnectionOptions::add(std::string_view value) noexcept {
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    if (equals_ignoring_case(member, "close")) {
      close = true;
    } else if (equals_ignoring_case(member, "keep-alive")) {
      keep_alive = true;
    } else if (equals_ignoring_case(member, "upgrade")) {
      upgrade = true;
    } else if (classify(member) != FieldName::other) {
      continue;  // either it ends at every hop or it is protected
    } else if (nominated_count < kMaxNominated) {
      nominated[nominated_count++] = member;
    } else {
      too_many = true;
    }
  }
}

bool ConnectionOptions::removes(const Field& field) const noexcept {
  const auto end = nominated.begin() + static_cast<std::ptrdiff_t>(nominated_count);
  const bool named = std::any_of(nominated.begin(), end, [&field](std::string_view name) {
    return equals_ignoring_case(field.text, name);
  });
  return named && !is_protected(field);
}

ConnectionOptions connection_options(const Fields& fields) noexcept {
  ConnectionOptions options;
  for (const Field& field : fields) {
    if (field.name == FieldName::connection) options.add(field.value);
  }
  return options;
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
    case FieldName::x_real_ip:
    case FieldName::x_request_id: return false;
  }
  return false;
}

}  // namespace gracevisor::http
