// [app.NAME.health] and its short forms: health = "/health", health = "tcp". Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

struct HealthTable {
  static void read(Reading& reading, const Item& item, Health& out);
  [[nodiscard]] static bool has_meaning(const Health& /*health*/, const EndpointKind& endpoint) {
    return is_routed(endpoint);
  }
};

void read_probe_path(Reading& reading, const Item& item, std::string& path, bool& given);
[[nodiscard]] std::string probe_path_text(const std::string& path, const bool& given);
void read_expect(Reading& reading, const Item& item, std::vector<StatusRange>& expect, bool& path_given);
[[nodiscard]] std::string expect_text(const std::vector<StatusRange>& expect, const bool& path_given);
void read_probe_host(Reading& reading, const Item& item, std::optional<std::string>& host);
// With type = "tcp", `proto` and `headers` have no meaning, so their text is empty.
using ProbeHeaders = std::vector<std::pair<std::string, std::string>>;
void read_proto(Reading& reading, const Item& item, std::string& proto, Health::Kind& kind);
[[nodiscard]] std::string proto_text(const std::string& proto, const Health::Kind& kind);
void read_probe_headers(Reading& reading, const Item& item, ProbeHeaders& headers, Health::Kind& kind);
[[nodiscard]] std::string probe_headers_text(const ProbeHeaders& headers, const Health::Kind& kind);

inline constexpr Choice<Health::Kind> kHealthKinds[] = {{"http", Health::Kind::http},
                                                        {"tcp", Health::Kind::tcp}};
inline constexpr Choice<Health::Action> kHealthActions[] = {{"unroute", Health::Action::unroute},
                                                            {"restart", Health::Action::restart}};

void keys(auto& key, IsA<Health> auto& value) {
  auto& [kind, path, path_given, expect, interval, timeout, start_timeout, healthy_after, unhealthy_after,
         action, host, proto, headers] = value;
  const Duration duration{{Millis(10), kDay}};
  const Number in_a_row{{1, 100}};
  key({"type", Takes::deploy, R"("tcp": a connection is enough)"}, OneOf{kHealthKinds}, named("kind", kind));
  key({"path", Takes::deploy, "without a path, any complete answer below 500 counts", R"("/")"},
      By{read_probe_path, probe_path_text, R"(a path such as "/health")"}, path,
      named("path_given", path_given));
  key({"expect", Takes::deploy, "statuses that count as success, if a path is given", R"("200-299")"},
      By{read_expect, expect_text, R"(statuses such as "200-299,301")"}, expect, context(path_given));
  key({"interval", Takes::table, "between two probes; at first 10 ms, growing to this until one succeeds"},
      duration, interval);
  key({"timeout", Takes::table, "of one probe"}, duration, timeout);
  key({"start_timeout", Takes::table, "of each probe before the first success"}, duration, start_timeout);
  key({"healthy_after", Takes::next_use, "successes in a row that make an instance healthy"}, in_a_row,
      healthy_after);
  key({"unhealthy_after", Takes::next_use, "failures in a row that make it unhealthy"}, in_a_row,
      unhealthy_after);
  key({"action", Takes::next_use,
       R"("unroute": no requests, unless it is the last one routable; "restart": replaced)"},
      OneOf{kHealthActions}, action);
  key({"host", Takes::deploy, "without it, the first exact host of a route, else localhost",
       R"("example.com")"},
      By{read_probe_host, quote_optional, R"(a host such as "example.com")"}, host);
  key({"proto", Takes::deploy, R"("https" sends X-Forwarded-Proto: https)"},
      By{read_proto, proto_text, R"("http" or "https")"}, proto, context(kind));
  key({"headers", Takes::deploy, "sent with each probe"},
      By{read_probe_headers, probe_headers_text, R"(a table such as { Authorization = "..." })"}, headers,
      context(kind));
}

}  // namespace gracevisor::config
