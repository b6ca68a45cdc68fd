// [app.NAME.health] and its short forms: health = "/health", health = "tcp".
#include <algorithm>

#include "config/header_texts.h"
#include "config/tables.h"

namespace gracevisor::config {
namespace {

constexpr Choice<Health::Kind> kKinds[] = {{"http", Health::Kind::http}, {"tcp", Health::Kind::tcp}};
constexpr Choice<Health::Action> kActions[] = {{"unroute", Health::Action::unroute},
                                               {"restart", Health::Action::restart}};
constexpr Choice<int> kProtos[] = {{"http", 0}, {"https", 1}};

constexpr Bounds<Millis> kIntervals{Millis(10), kDay};

void read_path(Reading& reading, const Item& item, Health& out) {
  auto text = reading.text(item, R"(a path such as "/health")");
  if (!text) return;
  bool plain = std::none_of(text->begin(), text->end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || c == '#';
  });
  if (!text->starts_with('/') || !plain) {
    return reading.error(item, R"(expected a path such as "/health", found )" + quote_briefly(*text));
  }
  out.path = *text;
  out.path_given = true;
}

void read_expect(Reading& reading, const Item& item, Health& out) {
  auto text = reading.text(item, R"(statuses such as "200-299,301")");
  if (!text) return;
  auto ranges = parse_statuses(*text);
  if (!ranges) return reading.error(item, ranges.error().what);
  out.expect = *ranges;
  out.path_given = true;  // setting an expectation asks for a check, at "/" if no path is given
}

void read_host(Reading& reading, const Item& item, Health& out) {
  auto text = reading.text(item, R"(a host such as "example.com")");
  if (!text) return;
  auto host = parse_host(*text, false);
  if (!host) return reading.error(item, host.error().what);
  out.host = *host;
}

// Headers that the probe writes itself; a second one would change how the message is framed or routed.
bool reserved_header(std::string_view name) {
  static constexpr std::string_view kReserved[] = {"host", "content-length", "transfer-encoding",
                                                   "connection", "x-forwarded-proto"};
  return std::find(std::begin(kReserved), std::end(kReserved), lower_case(name)) != std::end(kReserved);
}

void read_headers(Reading& reading, const Item& item, Health& out) {
  const Table* table = reading.table(item, R"(a table such as { Authorization = "..." })");
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    Item header{item.path + "." + key_text(entry.key), entry.value};
    bool token = is_header_name(entry.key);
    if (!token || reserved_header(entry.key)) {
      reading.error(
          entry.source, header.path,
          token ? "the health check sets this header itself (see host and proto)" : "not a header's name");
      continue;
    }
    auto text = reading.text(header);
    if (!text) continue;
    if (is_header_value(*text)) {
      out.headers.emplace_back(entry.key, *text);
    } else {
      reading.error(header, "a header's value is one line without control characters");
    }
  }
}

Fields<Health> health_fields() {
  Fields<Health> fields;
  fields.push_back(choice_field("type", &Health::kind, kKinds, R"(or "tcp": a connection is enough)"));
  fields.emplace_back(
      "path", "without a path any complete answer below 500 counts", read_path,
      [](const Health& health) { return health.path_given ? quote(health.path) : std::string(); }, R"("/")");
  fields.emplace_back(
      "expect", "when path is given", read_expect,
      [](const Health& health) {
        return health.path_given ? quote(statuses_text(health.expect)) : std::string();
      },
      R"("200-299")");
  fields.push_back(duration_field("interval", &Health::interval, kIntervals,
                                  "first probe at once, then every 10 ms, growing to this"));
  fields.push_back(duration_field("timeout", &Health::timeout, kIntervals, "of one probe"));
  fields.push_back(duration_field("start_timeout", &Health::start_timeout, kIntervals,
                                  "of each probe before the first success"));
  fields.push_back(number_field("healthy_after", &Health::healthy_after, {1, 100}, "successes in a row"));
  fields.push_back(number_field("unhealthy_after", &Health::unhealthy_after, {1, 100}, "failures in a row"));
  fields.push_back(choice_field("action", &Health::action, kActions,
                                R"(out of the routes, never the last routable one; or "restart")"));
  fields.emplace_back(
      "host", "without it the first exact route host, else localhost", read_host,
      [](const Health& health) { return health.host ? quote(*health.host) : std::string(); },
      R"("example.com")");
  fields.emplace_back(
      "proto", R"("https" sends X-Forwarded-Proto: https)",
      [](Reading& r, const Item& item, Health& out) {
        if (auto proto = r.choice(item, kProtos)) out.proto = *proto == 1 ? "https" : "http";
      },
      [](const Health& health) { return quote(health.proto); });
  fields.emplace_back("headers", "sent with each probe", read_headers, [](const Health& health) {
    std::vector<std::pair<std::string, std::string>> hidden;
    hidden.reserve(health.headers.size());
    for (const auto& [name, value] : health.headers) hidden.emplace_back(name, "***");
    return map_text(hidden);
  });
  return fields;
}

void read_health(Reading& reading, const Item& item, App& out) {
  if (const auto* text = std::get_if<std::string>(&item.value.data)) {
    if (text->starts_with('/')) return read_path(reading, item, out.health);
    if (*text != "tcp") {
      return reading.error(
          item, R"(expected a path such as "/health", "tcp" or a table, found )" + quote_briefly(*text));
    }
    out.health.kind = Health::Kind::tcp;
    return;
  }
  const Table* table = reading.table(item, R"(a path such as "/health", "tcp" or a table)");
  if (table == nullptr) return;
  read_table(reading, item.path, *table, health_fields(), out.health);
  if (out.health.kind == Health::Kind::http) return;
  for (std::string_view key : {"path", "expect", "host", "proto", "headers"}) {
    if (const Entry* entry = find(*table, key)) {
      reading.error(entry->source, item.path + "." + std::string(key), R"(has no meaning with type = "tcp")");
    }
  }
}

}  // namespace

Field<App> health_field() {
  return {"health",
          R"(short forms: health = "/health", health = "tcp")",
          read_health,
          nullptr,
          {},
          [](std::string path, const App& app) {
            if (!is_routed(app.endpoint)) return Section{std::move(path), {}, {}, {}};
            Section all = describe(std::move(path), {}, health_fields(), app.health);
            if (app.health.kind == Health::Kind::tcp) {
              std::erase_if(all.lines,
                            [](const Line& line) { return line.key == "proto" || line.key == "headers"; });
            }
            return all;
          }};
}

}  // namespace gracevisor::config
