// How the proxy treats the requests of one app: [app.NAME.proxy_options]. Defaults and their reasons: the
// proxy page of the design, sections 2.1 to 2.10. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "http/limits.h"

namespace gracevisor::config {

using base::Millis;

struct StatusRange {
  int first = 0;
  int last = 0;
  bool operator==(const StatusRange&) const = default;
};

// Changes to the fields of every head in one direction: first removed, then set.
struct HeaderRules {
  std::vector<std::pair<std::string, std::string>> set;  // replaces any field of that name
  std::vector<std::string> remove;
  bool operator==(const HeaderRules&) const = default;
};

// A page for browsers instead of our own text. If several match a status, the narrowest one applies.
struct ErrorPage {
  StatusRange statuses;
  std::filesystem::path file;
  std::string html;  // the file's content at the time it was read
  bool operator==(const ErrorPage&) const = default;
};

struct ProxyOptions {
  enum class Balance { p2c, round_robin, least_requests, hash_header, hash_cookie, hash_client };
  enum class Reuse { never, idempotent, always };
  // For header names with "_", which CGI, WSGI and Rack cannot tell from "-".
  enum class Underscores { drop, pass, reject };
  enum class ClientAbort { close, finish };
  // What a client's FIN after a complete request means.
  enum class HalfClose { abort, serve };

  Balance balance = Balance::p2c;
  std::string balance_key;        // the header's or cookie's name
  Millis request_timeout{60000};  // until the response's head
  Reuse reuse = Reuse::idempotent;
  Millis keep_alive{4000};           // how long an idle connection to the app is kept
  unsigned keep_alive_requests = 0;  // requests per connection to the app; 0: any number
  Millis connect_timeout{1000};
  Millis body_timeout{30000};  // no progress of a request's body
  // Bytes per second, on average, for a body that occupies an instance for more than 5 s, or takes more than
  // 30 s to arrive.
  std::uint64_t min_body_rate = 500;
  std::uint64_t request_buffer = 65536;               // of a body, before an instance is chosen; 0: off
  std::uint64_t request_buffer_memory = 16ULL << 20;  // for incomplete bodies and their heads, per worker
  Millis send_timeout{30000};                         // no progress towards a slow reader
  std::uint64_t min_send_rate = 500;  // bytes per second to a reader waited on for 30 s; 0: any rate
  Millis tunnel_timeout{3'600'000};   // no byte either way after an upgrade, or in TCP mode
  Millis half_close_timeout{30000};   // of a tunnel, after one side has ended
  std::uint64_t max_body = 100ULL << 20;
  std::uint64_t max_chunk_extensions = http::BodyLimits().extensions;  // bytes per message
  std::uint64_t max_trailers = http::BodyLimits().trailers;            // bytes per message
  std::uint64_t max_response_head = http::HeadLimits().head;
  unsigned max_interim_responses = 16;
  unsigned hold_requests = 1000;            // waiting for an instance, per worker
  std::uint64_t hold_memory = 16ULL << 20;  // memory of waiting requests, per worker
  bool retry_503 = false;  // retry an idempotent request if an instance answers 503 with Retry-After
  ClientAbort on_client_abort = ClientAbort::close;
  HalfClose half_close = HalfClose::abort;
  bool strip_path = false;
  bool via = true;
  Underscores underscore_headers = Underscores::drop;
  std::vector<std::string> trailers;  // lower-case names of trailer fields that pass
  HeaderRules request_headers;
  HeaderRules response_headers;
  std::vector<ErrorPage> error_pages;
};

}  // namespace gracevisor::config
