// [app.NAME.proxy_options].
#include <algorithm>

#include "base/accounts.h"
#include "base/file.h"
#include "base/safe_path.h"
#include "config/header_texts.h"
#include "config/tables.h"

namespace gracevisor::config {
namespace {

using Balance = ProxyOptions::Balance;

constexpr Millis kTick{10};
constexpr std::uint64_t kMostHead = 1U << 20;
constexpr std::uint64_t kMostPage = 64U << 10;

constexpr Choice<Balance> kBalances[] = {{"p2c", Balance::p2c},
                                         {"round-robin", Balance::round_robin},
                                         {"least-requests", Balance::least_requests},
                                         {"hash:header:", Balance::hash_header},
                                         {"hash:cookie:", Balance::hash_cookie},
                                         {"hash:client", Balance::hash_client}};

constexpr Choice<ProxyOptions::Reuse> kReuses[] = {{"never", ProxyOptions::Reuse::never},
                                                   {"idempotent", ProxyOptions::Reuse::idempotent},
                                                   {"always", ProxyOptions::Reuse::always}};

constexpr Choice<ProxyOptions::Underscores> kUnderscores[] = {{"drop", ProxyOptions::Underscores::drop},
                                                              {"pass", ProxyOptions::Underscores::pass},
                                                              {"reject", ProxyOptions::Underscores::reject}};

constexpr Choice<ProxyOptions::ClientAbort> kAborts[] = {{"close", ProxyOptions::ClientAbort::close},
                                                         {"finish", ProxyOptions::ClientAbort::finish}};

constexpr Choice<ProxyOptions::HalfClose> kHalfCloses[] = {{"abort", ProxyOptions::HalfClose::abort},
                                                           {"serve", ProxyOptions::HalfClose::serve}};

std::string_view word_of(Balance balance) {
  auto it = std::find_if(std::begin(kBalances), std::end(kBalances),
                         [&](const auto& choice) { return choice.value == balance; });
  return it->word;
}

void read_balance(Reading& reading, const Item& item, ProxyOptions& out) {
  auto balance = reading.choice(item, kBalances);
  if (!balance) return;
  std::string_view key = std::get<std::string>(item.value.data);
  key.remove_prefix(std::min(key.size(), word_of(*balance).size()));
  bool keyed = *balance == Balance::hash_header || *balance == Balance::hash_cookie;
  if (keyed && !is_header_name(key)) {
    return reading.error(item, std::string("expected the name of a ") +
                                   (*balance == Balance::hash_header ? "header" : "cookie") + " after " +
                                   quote(word_of(*balance)));
  }
  out.balance = *balance;
  out.balance_key = keyed ? std::string(key) : std::string();
}

std::string balance_text(const ProxyOptions& options) {
  return quote(std::string(word_of(options.balance)) + options.balance_key);
}

// Framing and hop-by-hop fields belong to the proxy; a rule on these would break messages.
bool is_ours(std::string_view name) {
  static constexpr std::string_view kOurs[] = {
      "connection", "content-length",    "host",    "keep-alive", "te",
      "trailer",    "transfer-encoding", "upgrade", "x-gv-error"};
  return std::find(std::begin(kOurs), std::end(kOurs), lower_case(name)) != std::end(kOurs);
}

bool check_name(Reading& reading, const Source& source, std::string_view path, std::string_view name) {
  if (!is_header_name(name)) {
    reading.error(source, path, "not a header's name");
  } else if (is_ours(name)) {
    reading.error(source, path, "the proxy writes this header itself");
  } else {
    return true;
  }
  return false;
}

void read_set(Reading& reading, const Item& item, HeaderRules& out) {
  const Table* table = reading.table(item, R"(a table such as { X-Frame-Options = "DENY" })");
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    Item header{item.path + "." + key_text(entry.key), entry.value};
    if (!check_name(reading, entry.source, header.path, entry.key)) continue;
    bool twice = std::any_of(out.set.begin(), out.set.end(), [&](const auto& other) {
      return lower_case(other.first) == lower_case(entry.key);
    });
    if (twice) {
      reading.error(entry.source, header.path, "the same header twice, as names have no case");
      continue;
    }
    auto text = reading.text(header);
    if (!text) continue;
    if (is_header_value(*text)) {
      out.set.emplace_back(entry.key, *text);
    } else {
      reading.error(header, "a header's value is one line without control characters");
    }
  }
}

void read_remove(Reading& reading, const Item& item, HeaderRules& out) {
  for (const Item& element : reading.texts(item, "a header's name or a list of names")) {
    const auto& name = std::get<std::string>(element.value.data);
    if (check_name(reading, element.value.source, element.path, name)) out.remove.push_back(name);
  }
}

Fields<HeaderRules> header_rule_fields() {
  return {{"set", "replaces every field of the name", read_set,
           [](const HeaderRules& rules) { return map_text(rules.set); }},
          {"remove", "names", read_remove, [](const HeaderRules& rules) { return list_text(rules.remove); }}};
}

void read_trailers(Reading& reading, const Item& item, ProxyOptions& out) {
  for (const Item& element : reading.texts(item, "a trailer field's name or a list of names")) {
    const auto& name = std::get<std::string>(element.value.data);
    // Fields that a head needs can never come after the body (RFC 9110 section 6.5.1).
    static constexpr std::string_view kNever[] = {"authorization", "cache-control", "content-encoding",
                                                  "content-range", "content-type",  "cookie",
                                                  "set-cookie",    "expect",        "max-forwards"};
    std::string lower = lower_case(name);
    if (!check_name(reading, element.value.source, element.path, name)) continue;
    const bool ours = lower.starts_with("x-gv-");  // a client must be able to trust that these come from us
    if (ours || std::find(std::begin(kNever), std::end(kNever), lower) != std::end(kNever)) {
      reading.error(element, "this header cannot be a trailer");
    } else {
      out.trailers.push_back(std::move(lower));
    }
  }
}

// "502", "500-599" or "5xx".
base::Expected<StatusRange> parse_page_statuses(std::string_view text) {
  std::string plain(text);
  if (text.size() == 3 && text.ends_with("xx")) plain = std::string(1, text[0]) + "00-" + text[0] + "99";
  auto ranges = parse_statuses(plain);
  if (ranges && ranges->size() == 1 && ranges->front().first >= 400) return ranges->front();
  return base::fail(R"(expected a status or statuses from 400 on such as "502" or "5xx", found )" +
                    quote_briefly(text));
}

// Root reads it, and everyone is shown it.
base::Expected<std::string> read_page(const Reading& reading, const std::filesystem::path& file) {
  base::PathRules rules;
  if (reading.identity().root())
    rules.trust = base::daemon_trust(reading.identity().config_owner.value_or(0));
  auto opened = base::open_to_show(file, rules);
  if (!opened) return std::unexpected(std::move(opened.error().error));
  return base::read_all(opened->fd.get(), file.string(), kMostPage);
}

void read_error_pages(Reading& reading, const Item& item, ProxyOptions& out) {
  const Table* table = reading.table(item, R"(a table such as { 5xx = "/srv/sorry.html" })");
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    Item page{item.path + "." + key_text(entry.key), entry.value};
    auto statuses = parse_page_statuses(entry.key);
    if (!statuses) {
      reading.error(entry.source, page.path, statuses.error().what);
      continue;
    }
    auto file = reading.path(page, "an HTML file's path");
    if (!file) continue;
    auto html = read_page(reading, *file);
    if (html) {
      out.error_pages.push_back({*statuses, *file, std::move(*html)});
    } else {
      reading.error(page, html.error().what);
    }
  }
}

std::string error_pages_text(const ProxyOptions& options) {
  std::vector<std::pair<std::string, std::string>> items;
  items.reserve(options.error_pages.size());
  for (const ErrorPage& page : options.error_pages) {
    items.emplace_back(statuses_text({page.statuses}), page.file.string());
  }
  return items.empty() ? std::string() : map_text(items);
}

void add_time_fields(Fields<ProxyOptions>& fields) {
  auto duration = [&fields](std::string_view key, Millis ProxyOptions::* member, std::string_view comment) {
    fields.push_back(duration_field(key, member, {kTick, kDay}, comment));
  };
  duration("request_timeout", &ProxyOptions::request_timeout,
           "until the response's head; each 1xx, of max_interim_responses, begins it anew");
  fields.push_back(
      choice_field("reuse", &ProxyOptions::reuse, kReuses,
                   R"(which requests may use a kept connection to the app: or "never", "always")"));
  duration("keep_alive", &ProxyOptions::keep_alive,
           "how long an idle connection to the app is kept: less than the app keeps it");
  fields.push_back(number_field("keep_alive_requests", &ProxyOptions::keep_alive_requests, {0, 1'000'000'000},
                                "requests per connection to the app; 0: any number"));
  duration("connect_timeout", &ProxyOptions::connect_timeout, "dialling the app");
  duration("body_timeout", &ProxyOptions::body_timeout, "no progress of a request's body");
  fields.push_back(
      size_field("min_body_rate", &ProxyOptions::min_body_rate, {0, 1ULL << 30},
                 "per second, on average, of a body that takes more than 30 s, or an instance 5 s; 0: any"));
  duration("send_timeout", &ProxyOptions::send_timeout, "no progress towards a slow reader");
  fields.push_back(
      size_field("min_send_rate", &ProxyOptions::min_send_rate, {0, 1ULL << 30},
                 "per second, on average, to a reader for whom bytes have waited for 30 s; 0: any"));
  duration("tunnel_timeout", &ProxyOptions::tunnel_timeout,
           R"(no byte either way on a WebSocket, or with proxy = "tcp")");
  duration("half_close_timeout", &ProxyOptions::half_close_timeout,
           "the same once one side has finished sending");
}

void add_limit_fields(Fields<ProxyOptions>& fields) {
  fields.push_back(
      size_field("max_body", &ProxyOptions::max_body, {1, 1ULL << 40}, "of a request; more is 413"));
  fields.push_back(size_field("request_buffer", &ProxyOptions::request_buffer, {0, 16ULL << 20},
                              R"(of a body, read before an instance is chosen; "0": none)"));
  fields.push_back(
      size_field("request_buffer_memory", &ProxyOptions::request_buffer_memory, {0, 1ULL << 34},
                 "what bodies that still come keep, per proxy thread; more is 408 to the slowest"));
  fields.push_back(size_field("max_chunk_extensions", &ProxyOptions::max_chunk_extensions, {0, kMostHead},
                              "bytes in one message"));
  fields.push_back(
      size_field("max_trailers", &ProxyOptions::max_trailers, {0, kMostHead}, "bytes in one message"));
  fields.push_back(size_field("max_response_head", &ProxyOptions::max_response_head, {256, kMostHead},
                              "of the app; more is 502"));
  fields.push_back(number_field("max_interim_responses", &ProxyOptions::max_interim_responses, {0, 1000},
                                "1xx before one response; more is 502"));
  fields.push_back(number_field("hold_requests", &ProxyOptions::hold_requests, {0, 1'000'000},
                                "that wait for an instance, per proxy thread; more is 503"));
  fields.push_back(size_field("hold_memory", &ProxyOptions::hold_memory, {0, 1ULL << 34},
                              "what those keep, per proxy thread"));
}

void add_header_fields(Fields<ProxyOptions>& fields) {
  fields.push_back(boolean_field("strip_path", &ProxyOptions::strip_path,
                                 "the app sees the path without its route's path"));
  fields.push_back(boolean_field("via", &ProxyOptions::via, "a Via header in requests to the app"));
  fields.push_back(
      choice_field("underscore_headers", &ProxyOptions::underscore_headers, kUnderscores,
                   R"(header names with "_", which apps confuse with "-": or "pass", "reject")"));
  fields.emplace_back("trailers", "names of trailer fields that pass", read_trailers,
                      [](const ProxyOptions& options) { return list_text(options.trailers); });
  fields.push_back(table_field("request_headers", &ProxyOptions::request_headers, header_rule_fields(),
                               "of every request to the app"));
  fields.push_back(table_field("response_headers", &ProxyOptions::response_headers, header_rule_fields(),
                               "of every response of the app"));
  fields.emplace_back("error_pages", "our own errors for browsers, at most 64 KiB each", read_error_pages,
                      error_pages_text, R"({ 5xx = "/srv/sorry.html" })");
}

}  // namespace

Fields<ProxyOptions> proxy_options_fields() {
  Fields<ProxyOptions> fields;
  fields.emplace_back(
      "balance",
      R"(or "round-robin", "least-requests", "hash:header:NAME", "hash:cookie:NAME", "hash:client")",
      read_balance, balance_text);
  add_time_fields(fields);
  add_limit_fields(fields);
  fields.push_back(
      boolean_field("retry_503", &ProxyOptions::retry_503,
                    "another instance where one says 503 with Retry-After to an idempotent request"));
  fields.push_back(
      choice_field("on_client_abort", &ProxyOptions::on_client_abort, kAborts,
                   R"(or "finish": the app's response is read to its end, for request_timeout at most)"));
  fields.push_back(choice_field("half_close", &ProxyOptions::half_close, kHalfCloses,
                                R"(a client's FIN means that it has left; or "serve": it still reads)"));
  add_header_fields(fields);
  return fields;
}

}  // namespace gracevisor::config
