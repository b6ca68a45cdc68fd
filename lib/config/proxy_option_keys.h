// [app.NAME.proxy_options]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"
#include "config/read_table.h"

namespace gracevisor::config {

using HeaderSet = std::vector<std::pair<std::string, std::string>>;
using ErrorPages = std::vector<ErrorPage>;

inline constexpr std::uint64_t kMostPage = 64U << 10;  // bytes of an error page

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
  key({"set", Takes::table, "replaces every field of that name"},
      By{read_set, masked_text, R"(a table such as { X-Frame-Options = "DENY" })"}, set);
  key({"remove", Takes::table}, By{read_remove, list_text, "a header's name or a list of names"}, remove);
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
  key({"balance", Takes::table}, BalanceWord{}, balance, named("balance_key", balance_key));
  key({"request_timeout", Takes::table,
       "until the response's head; each 1xx, up to max_interim_responses, restarts it"},
      duration, request_timeout);
  key({"reuse", Takes::table,
       R"("idempotent": only what may be repeated uses a kept connection to the app; "always": all; "never": none)"},
      OneOf{kReuses}, reuse);
  key({"keep_alive", Takes::table,
       "how long an idle connection to the app is kept; less than the app keeps it"},
      duration, keep_alive);
  key({"keep_alive_requests", Takes::table, "requests per connection to the app; 0: any number"},
      Number{{0, 1'000'000'000}}, keep_alive_requests);
  key({"connect_timeout", Takes::table, "to connect to the app"}, duration, connect_timeout);
  key({"body_timeout", Takes::table, "without progress of a request's body"}, duration, body_timeout);
  key({"min_body_rate", Takes::table,
       "per second, on average, of a body that takes 30 s, or occupies an instance for 5 s; 0: any rate"},
      rate, min_body_rate);
  key({"send_timeout", Takes::table, "without progress towards a slow reader"}, duration, send_timeout);
  key({"min_send_rate", Takes::table,
       "per second, on average, to a reader for whom bytes have waited 30 s; 0: any rate"},
      rate, min_send_rate);
  key({"tunnel_timeout", Takes::table, R"(without a byte either way on a WebSocket, or with proxy = "tcp")"},
      duration, tunnel_timeout);
  key({"half_close_timeout", Takes::table, "the same once one side has finished sending"}, duration,
      half_close_timeout);
  key({"max_body", Takes::table, "of a request; more is 413"}, Size{{1, 1ULL << 40}}, max_body);
  key({"request_buffer", Takes::table,
       R"(how much of a body is read before an instance is chosen; "0": nothing)"},
      Size{{0, 16ULL << 20}}, request_buffer);
  key({"request_buffer_memory", Takes::table,
       "for bodies that are being read, per proxy thread; beyond it the slowest gets 408"},
      memory, request_buffer_memory);
  key({"max_chunk_extensions", Takes::table, "in one message"}, Size{{0, kMostHead}}, max_chunk_extensions);
  key({"max_trailers", Takes::table, "in one message"}, Size{{0, kMostHead}}, max_trailers);
  key({"max_response_head", Takes::table, "of the app's response; more is 502"}, Size{{256, kMostHead}},
      max_response_head);
  key({"max_interim_responses", Takes::table, "1xx responses before the final one; more is 502"},
      Number{{0, 1000}}, max_interim_responses);
  key({"hold_requests", Takes::table, "requests that wait for an instance, per proxy thread; more is 503"},
      Number{{0, 1'000'000}}, hold_requests);
  key({"hold_memory", Takes::table, "memory for those requests, per proxy thread"}, memory, hold_memory);
  key({"retry_503", Takes::table,
       "tries another instance if one answers 503 with Retry-After to an idempotent request"},
      Boolean{}, retry_503);
  key({"on_client_abort", Takes::table,
       R"("finish": the app's response is read to its end, for request_timeout at most)"},
      OneOf{kAborts}, on_client_abort);
  key({"half_close", Takes::table, R"("abort": a client that sends FIN has left; "serve": it still reads)"},
      OneOf{kHalfCloses}, half_close);
  key({"strip_path", Takes::deploy, "the app sees paths without the path of its route"}, Boolean{},
      strip_path);
  key({"via", Takes::table, "adds a Via header to requests to the app"}, Boolean{}, via);
  key({"underscore_headers", Takes::table,
       R"(header names with "_", which apps confuse with "-": "drop" removes the header, "reject" answers 400)"},
      OneOf{kUnderscores}, underscore_headers);
  key({"trailers", Takes::table, "trailer fields that pass; no other does"},
      By{read_trailers, list_text, "a trailer field's name or a list of names"}, trailers);
  key.table({"request_headers", Takes::table, "of every request to the app"}, PlainTable{}, request_headers);
  key.table({"response_headers", Takes::table, "of every response of the app"}, PlainTable{},
            response_headers);
  key({"error_pages", Takes::table, "the proxy's own errors for browsers, at most 64 KiB each",
       R"({ 5xx = "/srv/sorry.html" })"},
      By{read_error_pages, error_pages_text, R"(a table such as { 5xx = "/srv/sorry.html" })"}, error_pages);
}

}  // namespace gracevisor::config
