// [app.NAME.proxy_options]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"
#include "config/read_table.h"

namespace gracevisor::config {

using HeaderSet = std::vector<std::pair<std::string, std::string>>;
using ErrorPages = std::vector<ErrorPage>;

void read_set(Reading& reading, const Item& item, HeaderSet& set);
void read_remove(Reading& reading, const Item& item, std::vector<std::string>& names);
void read_trailers(Reading& reading, const Item& item, std::vector<std::string>& trailers);
void read_error_pages(Reading& reading, const Item& item, ErrorPages& pages);
[[nodiscard]] std::string error_pages_text(const ErrorPages& pages);

inline constexpr Choice<ProxyOptions::Balance> kBalances[] = {
    {"p2c", ProxyOptions::Balance::p2c},
    {"round-robin", ProxyOptions::Balance::round_robin},
    {"least-requests", ProxyOptions::Balance::least_requests},
    {"hash:header:", ProxyOptions::Balance::hash_header},
    {"hash:cookie:", ProxyOptions::Balance::hash_cookie},
    {"hash:client", ProxyOptions::Balance::hash_client}};
inline constexpr Choice<ProxyOptions::Reuse> kReuses[] = {{"never", ProxyOptions::Reuse::never},
                                                          {"idempotent", ProxyOptions::Reuse::idempotent},
                                                          {"always", ProxyOptions::Reuse::always}};
inline constexpr Choice<ProxyOptions::Underscores> kUnderscores[] = {
    {"drop", ProxyOptions::Underscores::drop},
    {"pass", ProxyOptions::Underscores::pass},
    {"reject", ProxyOptions::Underscores::reject}};
inline constexpr Choice<ProxyOptions::ClientAbort> kAborts[] = {
    {"close", ProxyOptions::ClientAbort::close}, {"finish", ProxyOptions::ClientAbort::finish}};
inline constexpr Choice<ProxyOptions::HalfClose> kHalfCloses[] = {{"abort", ProxyOptions::HalfClose::abort},
                                                                  {"serve", ProxyOptions::HalfClose::serve}};

// A word, which for two of the choices ends in a name.
struct BalanceWord {
  std::span<const Choice<ProxyOptions::Balance>> choices = kBalances;
  static void read(Reading& reading, const Item& item, ProxyOptions::Balance& balance, std::string& key);
  [[nodiscard]] static std::string text(const ProxyOptions::Balance& balance, const std::string& key);
  [[nodiscard]] static std::string kind() { return OneOf{kBalances}.kind(); }
};

void keys(auto& key, IsA<HeaderRules> auto& value) {
  auto& [set, remove] = value;
  key({"set", Takes::table, "replaces every field of the name"},
      By{read_set, map_text, R"(a table such as { X-Frame-Options = "DENY" })"}, set);
  key({"remove", Takes::table, "names"}, By{read_remove, list_text, "a header's name or a list of names"},
      remove);
}

void keys(auto& key, IsA<ProxyOptions> auto& value) {
  auto& [balance, balance_key, request_timeout, reuse, keep_alive, keep_alive_requests, connect_timeout,
         body_timeout, min_body_rate, request_buffer, request_buffer_memory, send_timeout, min_send_rate,
         tunnel_timeout, half_close_timeout, max_body, max_chunk_extensions, max_trailers, max_response_head,
         max_interim_responses, hold_requests, hold_memory, retry_503, on_client_abort, half_close,
         strip_path, via, underscore_headers, trailers, request_headers, response_headers, error_pages] =
      value;
  constexpr std::uint64_t kMostHead = 1U << 20;
  const Duration duration{{Millis(10), kDay}};
  const Size rate{{0, 1ULL << 30}};
  const Size memory{{0, 1ULL << 34}};
  key({"balance", Takes::table,
       R"(or "round-robin", "least-requests", "hash:header:NAME", "hash:cookie:NAME", "hash:client")"},
      BalanceWord{}, balance, named("balance_key", balance_key));
  key({"request_timeout", Takes::table,
       "until the response's head; each 1xx, of max_interim_responses, begins it anew"},
      duration, request_timeout);
  key({"reuse", Takes::table, R"(which requests may use a kept connection to the app: or "never", "always")"},
      OneOf{kReuses}, reuse);
  key({"keep_alive", Takes::table,
       "how long an idle connection to the app is kept: less than the app keeps it"},
      duration, keep_alive);
  key({"keep_alive_requests", Takes::table, "requests per connection to the app; 0: any number"},
      Number{{0, 1'000'000'000}}, keep_alive_requests);
  key({"connect_timeout", Takes::table, "dialling the app"}, duration, connect_timeout);
  key({"body_timeout", Takes::table, "no progress of a request's body"}, duration, body_timeout);
  key({"min_body_rate", Takes::table,
       "per second, on average, of a body that takes more than 30 s, or an instance 5 s; 0: any"},
      rate, min_body_rate);
  key({"send_timeout", Takes::table, "no progress towards a slow reader"}, duration, send_timeout);
  key({"min_send_rate", Takes::table,
       "per second, on average, to a reader for whom bytes have waited for 30 s; 0: any"},
      rate, min_send_rate);
  key({"tunnel_timeout", Takes::table, R"(no byte either way on a WebSocket, or with proxy = "tcp")"},
      duration, tunnel_timeout);
  key({"half_close_timeout", Takes::table, "the same once one side has finished sending"}, duration,
      half_close_timeout);
  key({"max_body", Takes::table, "of a request; more is 413"}, Size{{1, 1ULL << 40}}, max_body);
  key({"request_buffer", Takes::table, R"(of a body, read before an instance is chosen; "0": none)"},
      Size{{0, 16ULL << 20}}, request_buffer);
  key({"request_buffer_memory", Takes::table,
       "what bodies that still come keep, per proxy thread; more is 408 to the slowest"},
      memory, request_buffer_memory);
  key({"max_chunk_extensions", Takes::table, "bytes in one message"}, Size{{0, kMostHead}},
      max_chunk_extensions);
  key({"max_trailers", Takes::table, "bytes in one message"}, Size{{0, kMostHead}}, max_trailers);
  key({"max_response_head", Takes::table, "of the app; more is 502"}, Size{{256, kMostHead}},
      max_response_head);
  key({"max_interim_responses", Takes::table, "1xx before one response; more is 502"}, Number{{0, 1000}},
      max_interim_responses);
  key({"hold_requests", Takes::table, "that wait for an instance, per proxy thread; more is 503"},
      Number{{0, 1'000'000}}, hold_requests);
  key({"hold_memory", Takes::table, "what those keep, per proxy thread"}, memory, hold_memory);
  key({"retry_503", Takes::table,
       "another instance where one says 503 with Retry-After to an idempotent request"},
      Boolean{}, retry_503);
  key({"on_client_abort", Takes::table,
       R"(or "finish": the app's response is read to its end, for request_timeout at most)"},
      OneOf{kAborts}, on_client_abort);
  key({"half_close", Takes::table, R"(a client's FIN means that it has left; or "serve": it still reads)"},
      OneOf{kHalfCloses}, half_close);
  key({"strip_path", Takes::deploy, "the app sees the path without its route's path"}, Boolean{}, strip_path);
  key({"via", Takes::table, "a Via header in requests to the app"}, Boolean{}, via);
  key({"underscore_headers", Takes::table,
       R"(header names with "_", which apps confuse with "-": or "pass", "reject")"},
      OneOf{kUnderscores}, underscore_headers);
  key({"trailers", Takes::table, "names of trailer fields that pass"},
      By{read_trailers, list_text, "a trailer field's name or a list of names"}, trailers);
  key.table({"request_headers", Takes::table, "of every request to the app"}, PlainTable{}, request_headers);
  key.table({"response_headers", Takes::table, "of every response of the app"}, PlainTable{},
            response_headers);
  key({"error_pages", Takes::table, "our own errors for browsers, at most 64 KiB each",
       R"({ 5xx = "/srv/sorry.html" })"},
      By{read_error_pages, error_pages_text, R"(a table such as { 5xx = "/srv/sorry.html" })"}, error_pages);
}

}  // namespace gracevisor::config
