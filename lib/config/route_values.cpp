#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "config/findings.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

bool is_label_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

// Labels of letters, digits, "-" and "_" separated by single dots (RFC 9110 4.2.1 leaves names to DNS and the
// local system, where the underscore is common).
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  for (char c : host) {
    if (c == '.' ? label == 0 : !is_label_character(c)) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
  }
  return label > 0;
}

bool is_bracketed_ipv6(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), bytes.data()) == 1;
}

}  // namespace

base::Expected<std::string> parse_host(std::string_view text, bool wildcard_allowed) {
  std::string host(text);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view name = host;
  if (wildcard_allowed && name.starts_with("*.")) name.remove_prefix(2);
  if (is_name(name) || is_bracketed_ipv6(host)) return host;
  if (host.find("://") != std::string::npos) {
    return base::fail("expected a host without a scheme, found " + quote_briefly(text));
  }
  if (auto colon = host.find(':'); colon != std::string::npos && is_name(name.substr(0, name.find(':')))) {
    return base::fail("expected a host without a port, found " + quote_briefly(text));
  }
  return base::fail(std::string(R"(expected a host such as "example.com")") +
                    (wildcard_allowed ? R"( or "*.example.com")" : "") + ", found " + quote_briefly(text));
}

base::Expected<std::string> parse_route_path(std::string_view text) {
  bool plain = std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || c == '?' || c == '#' || c == '*';
  });
  if (!text.starts_with('/') || !plain) {
    return base::fail(R"(expected a path such as "/api", without wildcard, query or spaces, found )" +
                      quote_briefly(text));
  }
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

base::Expected<Route> parse_route(std::string_view text) {
  if (text.find("://") != std::string_view::npos) {
    return base::fail(R"(expected a route such as "example.com/api", without a scheme, found )" +
                      quote_briefly(text));
  }
  if (text.empty()) return base::fail(R"(expected a route such as "example.com/api", found "")");
  Route route;
  auto slash = std::min(text.find('/'), text.size());
  if (auto host = text.substr(0, slash); !host.empty() && host != "*") {
    auto parsed = parse_host(host, true);
    if (!parsed) return std::unexpected(parsed.error());
    route.host = *parsed;
  }
  if (slash < text.size()) {
    auto path = parse_route_path(text.substr(slash));
    if (!path) return std::unexpected(path.error());
    route.path = *path;
  }
  return route;
}

std::string route_text(const Route& route) {
  if (route.host.empty()) return route.path;
  return route.path == "/" ? route.host : route.host + route.path;
}

}  // namespace gracevisor::config
