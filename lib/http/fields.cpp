#include "http/fields.h"

#include <algorithm>
#include <cstring>

#include "http/characters.h"
#include "http/forward.h"

namespace gracevisor::http {

namespace {

// Compares eight characters at once: they may differ only in the case bit, and only where both are letters.
bool same_letters(std::uint64_t left, std::uint64_t right) noexcept {
  constexpr std::uint64_t kCase = 0x20 * kLowBits;
  const std::uint64_t different = left ^ right;
  if ((different & ~kCase) != 0) return false;
  // The high bit of a byte: it is at least 'a', or above 'z'. No sum carries into the next byte.
  const std::uint64_t low = (left | kCase) & ~kHighBits;
  const std::uint64_t from_a = low + (0x80 - 'a') * kLowBits;
  const std::uint64_t above_z = low + (0x7f - 'z') * kLowBits;
  const std::uint64_t letters = from_a & ~above_z & ~left & kHighBits;
  return ((different << 2U) & ~letters) == 0;
}

std::uint64_t word_at(std::string_view text, std::size_t at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

// The first four characters and the last four.
std::uint64_t ends_of(std::string_view text) noexcept {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::memcpy(&first, text.data(), sizeof first);
  std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
  return std::uint64_t{last} << 32U | first;
}

FieldName either(std::string_view name, std::string_view known, FieldName value) noexcept {
  return equals_ignoring_case(name, known) ? value : FieldName::other;
}

}  // namespace

// At most one comparison per name: length and first letter leave one candidate.
FieldName classify(std::string_view name) noexcept {
  const char first = name.empty() ? '\0' : lower(name.front());
  switch (name.size()) {
    case 2: return either(name, "te", FieldName::te);
    case 3: return either(name, "via", FieldName::via);
    case 4:
      return first == 'h' ? either(name, "host", FieldName::host) : either(name, "date", FieldName::date);
    case 6:
      if (first == 'a') return either(name, "accept", FieldName::accept);
      return first == 'c' ? either(name, "cookie", FieldName::cookie)
                          : either(name, "expect", FieldName::expect);
    case 7:
      return first == 'u' ? either(name, "upgrade", FieldName::upgrade)
                          : either(name, "trailer", FieldName::trailer);
    case 9:
      return first == 'f' ? either(name, "forwarded", FieldName::forwarded)
                          : either(name, "x-real-ip", FieldName::x_real_ip);
    case 10:
      if (first == 'x') return either(name, "x-gv-error", FieldName::x_gv_error);
      return first == 'c' ? either(name, "connection", FieldName::connection)
                          : either(name, "keep-alive", FieldName::keep_alive);
    case 11: return either(name, "retry-after", FieldName::retry_after);
    case 12:
      if (first == 'c') return either(name, "content-type", FieldName::content_type);
      return first == 'm' ? either(name, "max-forwards", FieldName::max_forwards)
                          : either(name, "x-request-id", FieldName::x_request_id);
    case 14: return either(name, "content-length", FieldName::content_length);
    case 15:
      return first == 'x' ? either(name, "x-forwarded-for", FieldName::x_forwarded_for)
                          : either(name, "idempotency-key", FieldName::idempotency_key);
    case 16:
      return first == 'x' ? either(name, "x-forwarded-host", FieldName::x_forwarded_host)
                          : either(name, "proxy-connection", FieldName::proxy_connection);
    case 17:
      return first == 't' ? either(name, "transfer-encoding", FieldName::transfer_encoding)
                          : either(name, "x-forwarded-proto", FieldName::x_forwarded_proto);
    case 18: return either(name, "proxy-authenticate", FieldName::proxy_authenticate);
    case 19: return either(name, "proxy-authorization", FieldName::proxy_authorization);
    default: return FieldName::other;
  }
}

bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size < 4) {
    for (std::size_t i = 0; i < size; ++i) {
      if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
  }
  // Overlapping words cover the whole name.
  const auto same = [](std::uint64_t left, std::uint64_t right) {
    return left == right || same_letters(left, right);
  };
  if (size < 8) return same(ends_of(a), ends_of(b));
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (!same(word_at(a, i), word_at(b, i))) return false;
  }
  return same(word_at(a, size - 8), word_at(b, size - 8));
}

bool FieldEdits::touch(std::string_view name) const noexcept {
  const auto same = [name](std::string_view other) { return equals_ignoring_case(name, other); };
  return std::any_of(remove.begin(), remove.end(), same) ||
         std::any_of(set.begin(), set.end(), [&same](const auto& entry) { return same(entry.first); });
}

bool list_has(std::string_view value, std::string_view token) noexcept {
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    if (equals_ignoring_case(trim(member.substr(0, member.find(';'))), token)) return true;
  }
  return false;
}

}  // namespace gracevisor::http
