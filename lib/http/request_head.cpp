#include <algorithm>

#include "http/authority.h"
#include "http/characters.h"
#include "http/connection.h"
#include "http/framing.h"
#include "http/head_meaning.h"

namespace gracevisor::http {

namespace {

// A request that came through us this often is in a loop (RFC 9110 section 7.6).
constexpr unsigned kMaxOwnVia = 8;

// llhttp 8.1's numbers above the HTTP methods are RTSP's; those added by later versions are refused as well.
bool known_method(int method) noexcept {
  return method >= 0 && method < HTTP_PRI;
}

Method method_of(int method) noexcept {
  switch (method) {
    case HTTP_GET: return Method::get;
    case HTTP_HEAD: return Method::head;
    case HTTP_POST: return Method::post;
    case HTTP_PUT: return Method::put;
    case HTTP_DELETE: return Method::delete_;
    case HTTP_OPTIONS: return Method::options;
    case HTTP_PATCH: return Method::patch;
    case HTTP_TRACE: return Method::trace;
    case HTTP_CONNECT: return Method::connect;
    default: return Method::other;
  }
}

// What the fields say, collected in one pass.
struct Collected {
  FramingFields framing;
  ConnectionOptions connection;
  unsigned hosts = 0;
  std::string_view host;
  std::string_view upgrade;
  std::string_view max_forwards;
  unsigned own_via = 0;
  std::string_view request_id;
  unsigned request_ids = 0;
  bool takes_trailers = false;
  bool proto_not_https = false;  // X-Forwarded-Proto says something else
  bool underscores = false;
  bool expects = false;        // 100-continue
  bool expects_other = false;  // something else
};

// How often our pseudonym appears in a Via value: "1.1 gracevisor, 1.0 other (comment)".
unsigned count_own_via(std::string_view value) noexcept {
  unsigned count = 0;
  for (std::string_view member = next_member(value); !member.empty(); member = next_member(value)) {
    const std::size_t space = member.find(' ');
    if (space == std::string_view::npos) continue;
    const std::string_view by = trim(member.substr(space + 1));
    if (equals_ignoring_case(by.substr(0, by.find(' ')), "gracevisor")) ++count;
  }
  return count;
}

void collect(const Field& field, Collected& seen) noexcept {
  switch (field.name) {
    case FieldName::content_length:
    case FieldName::transfer_encoding: seen.framing.add(field); break;
    case FieldName::connection: seen.connection.add(field.value); break;
    case FieldName::host:
      ++seen.hosts;
      seen.host = field.value;
      break;
    case FieldName::expect:
      (equals_ignoring_case(field.value, "100-continue") ? seen.expects : seen.expects_other) = true;
      break;
    case FieldName::upgrade:
      if (seen.upgrade.empty()) seen.upgrade = field.value;
      break;
    case FieldName::max_forwards: seen.max_forwards = field.value; break;
    case FieldName::via: seen.own_via += count_own_via(field.value); break;
    case FieldName::te:
      // "trailers" has no parameters, not even a weight: with one the member is malformed and does not count.
      seen.takes_trailers = seen.takes_trailers || has_member(field.value, "trailers");
      break;
    case FieldName::x_forwarded_proto:
      seen.proto_not_https = seen.proto_not_https || !equals_ignoring_case(field.value, "https");
      break;
    case FieldName::x_request_id:
      ++seen.request_ids;
      seen.request_id = field.value;
      break;
    case FieldName::other:
      seen.underscores = seen.underscores || field.text.find('_') != std::string_view::npos;
      break;
    case FieldName::accept:
    case FieldName::content_type:
    case FieldName::cookie:
    case FieldName::date:
    case FieldName::forwarded:
    case FieldName::idempotency_key:
    case FieldName::keep_alive:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::retry_after:
    case FieldName::trailer:
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_gv_error:
    case FieldName::x_real_ip: break;
  }
}

// Safe to pass on, to log and to paste into a shell: the client chooses it.
bool sound_request_id(std::string_view id) noexcept {
  constexpr std::size_t kMost = 128;
  return !id.empty() && id.size() <= kMost && std::all_of(id.begin(), id.end(), [](char c) {
    return is(kNameCharacter, c) || c == '+' || c == '/' || c == '=' || c == ':' || c == '@' || c == ',';
  });
}

// absolute-form: its authority and the rest, "http://h/x" -> "h", "/x". False: it has neither scheme.
bool split_absolute(RequestHead& head, std::string_view& authority, std::string_view& target) noexcept {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kSecure = "https://";
  head.https = equals_ignoring_case(target.substr(0, kSecure.size()), kSecure);
  if (!head.https && !equals_ignoring_case(target.substr(0, kPlain.size()), kPlain)) return false;
  target.remove_prefix(head.https ? kSecure.size() : kPlain.size());
  const std::size_t end = std::min(target.find_first_of("/?"), target.size());
  authority = target.substr(0, end);
  target.remove_prefix(end);
  if (target.empty()) target = head.method == Method::options ? "*" : "/";  // RFC 9112 section 3.2.4
  return true;
}

// The target's form, and the host that the request is for (RFC 9112 sections 3.2 and 3.3).
std::optional<Refusal> understand_target(std::string_view target, const Collected& seen, RequestHead& head) {
  constexpr std::uint16_t kHttpPort = 80;
  constexpr std::uint16_t kHttpsPort = 443;
  if (seen.hosts > 1 || (seen.hosts == 0 && head.minor == 1)) return Refusal(Reason::bad_host, "Host");
  const auto named = parse_authority(seen.host);
  if (seen.hosts == 1 && !named) return Refusal(Reason::bad_host, "Host");

  std::optional<Authority> authority = named;
  head.https = false;
  const bool asterisk = target == "*" && head.method == Method::options;
  if (!target.starts_with('/') && !asterisk) {
    std::string_view text;
    if (!split_absolute(head, text, target)) return Refusal(Reason::bad_target);
    authority = parse_authority(text);
    if (!authority) return Refusal(Reason::bad_target);
    if (named && !same(*named, *authority, head.https ? kHttpsPort : kHttpPort)) {
      return Refusal(Reason::two_hosts, "Host");
    }
    if (head.https && seen.proto_not_https) return Refusal(Reason::two_schemes, "X-Forwarded-Proto");
  }
  head.authority = authority ? authority->text : std::string_view();
  head.target = target;
  head.path = target.starts_with('?') ? std::string_view("/") : target.substr(0, target.find('?'));
  head.host.assign(authority ? authority->host : std::string_view());
  std::transform(head.host.begin(), head.host.end(), head.host.begin(), lower);
  return std::nullopt;
}

}  // namespace

bool upgrade_matches(std::string_view asked, std::string_view answered) noexcept {
  return !answered.empty() && answered.find(',') == std::string_view::npos && list_has(asked, answered);
}

std::optional<Refusal> understand_request(HeadParser& parser, RequestHead& head) {
  if (!known_method(parser.method())) return Refusal(Reason::unknown_method);
  head.method = parser.other_method() ? Method::other : method_of(parser.method());
  if (head.method == Method::connect || head.method == Method::trace) {
    return Refusal(Reason::method_not_allowed);
  }
  head.method_text = parser.method_text();
  head.minor = parser.minor();

  Collected seen;
  for (const Field& field : head.fields) collect(field, seen);
  if (const auto refusal = understand_target(parser.target(), seen, head)) return refusal;
  const auto framing = seen.framing.decide(head.minor);
  if (!framing) return framing.error();
  head.body = *framing;
  if (seen.connection.too_many()) return Refusal(Reason::too_many_connection_options, "Connection");
  if (seen.own_via > kMaxOwnVia) return Refusal(Reason::loop, "Via");

  const bool modern = head.minor == 1;
  if (modern && seen.expects_other) return Refusal(Reason::unknown_expectation, "Expect");
  head.expects_continue = modern && seen.expects && head.body.kind != Framing::Kind::none;
  head.keep_alive = !seen.connection.close && (modern || seen.connection.keep_alive);
  const bool upgrade = modern && seen.connection.upgrade && !names_h2c(seen.upgrade);
  head.upgrade = upgrade ? seen.upgrade : std::string_view();
  head.takes_trailers = modern && seen.takes_trailers;
  head.underscores = seen.underscores;
  head.nominates = seen.connection.nominated > 0;
  const bool sound = seen.request_ids == 1 && sound_request_id(seen.request_id);
  head.request_id = sound ? seen.request_id : std::string_view();
  head.max_forwards.reset();
  std::uint64_t hops = 0;
  if (head.method == Method::options && parse_decimal(seen.max_forwards, hops)) head.max_forwards = hops;
  return std::nullopt;
}

}  // namespace gracevisor::http
