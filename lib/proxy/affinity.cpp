#include "proxy/affinity.h"

#include <algorithm>
#include <functional>

namespace gracevisor::proxy {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// "a=1; b=2" (RFC 6265 section 4.2.1); names are case-sensitive.
std::string_view cookie_in(std::string_view value, std::string_view name) noexcept {
  while (!value.empty()) {
    std::string_view pair = value.substr(0, value.find(';'));
    value.remove_prefix(std::min(value.size(), pair.size() + 1));
    pair = trim(pair);
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace

std::uint64_t affinity_of(std::string_view text) noexcept {
  if (text.empty()) return 0;
  return std::hash<std::string_view>{}(text) | 1U;
}

std::uint64_t affinity_of(const config::ProxyOptions& options, const http::RequestHead& head,
                          std::string_view client) noexcept {
  using Balance = config::ProxyOptions::Balance;
  switch (options.balance) {
    case Balance::p2c:
    case Balance::round_robin:
    case Balance::least_requests: return 0;
    case Balance::hash_client: return affinity_of(client);
    case Balance::hash_header:
      for (const http::Field& field : head.fields) {
        if (http::equals_ignoring_case(field.text, options.balance_key)) return affinity_of(field.value);
      }
      return 0;
    case Balance::hash_cookie:
      for (const http::Field& field : head.fields) {
        if (field.name != http::FieldName::cookie) continue;
        if (auto value = cookie_in(field.value, options.balance_key); !value.empty())
          return affinity_of(value);
      }
      return 0;
  }
  return 0;
}

}  // namespace gracevisor::proxy
