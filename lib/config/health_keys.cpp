#include "config/health_keys.h"

#include <algorithm>
#include <array>

#include "config/header_texts.h"
#include "config/read_table.h"

namespace gracevisor::config {
namespace {

// Headers that the probe writes itself; a second one would change how the message is framed or routed.
bool reserved_header(std::string_view name) {
  static constexpr std::string_view kReserved[] = {"host", "content-length", "transfer-encoding",
                                                   "connection", "x-forwarded-proto"};
  return std::ranges::find(kReserved, lower_case(name)) != std::end(kReserved);
}

constexpr Choice<bool> kProtos[] = {{"http", false}, {"https", true}};

}  // namespace

void read_probe_path(Reading& reading, const Item& item, std::string& path, bool& given) {
  auto text = reading.text(item, R"(a path such as "/health")");
  if (!text) return;
  bool plain = std::ranges::none_of(*text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte >= 0x7f || c == '#';
  });
  if (!text->starts_with('/') || !plain) {
    return reading.error(item, R"(expected a path such as "/health", found )" + quote_briefly(*text));
  }
  path = *text;
  given = true;
}

std::string probe_path_text(const std::string& path, const bool& given) {
  return given ? quote(path) : std::string();
}

void read_expect(Reading& reading, const Item& item, std::vector<StatusRange>& expect, bool& path_given) {
  auto text = reading.text(item, R"(statuses such as "200-299,301")");
  if (!text) return;
  auto ranges = parse_statuses(*text);
  if (!ranges) return reading.error(item, ranges.error().what);
  expect = *ranges;
  path_given = true;  // setting an expectation asks for a check, at "/" if no path is given
}

std::string expect_text(const std::vector<StatusRange>& expect, const bool& path_given) {
  return path_given ? quote(statuses_text(expect)) : std::string();
}

void read_probe_host(Reading& reading, const Item& item, std::optional<std::string>& host) {
  auto text = reading.text(item, R"(a host such as "example.com")");
  if (!text) return;
  auto parsed = parse_host(*text, false);
  if (!parsed) return reading.error(item, parsed.error().what);
  host = *parsed;
}

void read_proto(Reading& reading, const Item& item, std::string& proto, Health::Kind& /*kind*/) {
  if (auto https = OneOf{kProtos}.value(reading, item)) proto = word_of<bool>(kProtos, *https);
}

std::string proto_text(const std::string& proto, const Health::Kind& kind) {
  return kind == Health::Kind::tcp ? std::string() : quote(proto);
}

void read_probe_headers(Reading& reading, const Item& item, ProbeHeaders& headers, Health::Kind& /*kind*/) {
  const auto objection = [](const std::string& name) -> std::optional<std::string_view> {
    if (!is_header_name(name)) return "not a header's name";
    if (reserved_header(name)) return "the health check sets this header itself (see host and proto)";
    return std::nullopt;
  };
  read_headers(reading, item, R"({ Authorization = "..." })", objection, headers);
}

std::string probe_headers_text(const ProbeHeaders& headers, const Health::Kind& kind) {
  return kind == Health::Kind::tcp ? std::string() : masked_text(headers);
}

void HealthTable::read(Reading& reading, const Item& item, Health& out) {
  if (const auto* text = std::get_if<std::string>(&item.value.data)) {
    if (text->starts_with('/')) return read_probe_path(reading, item, out.path, out.path_given);
    if (*text != "tcp") {
      return reading.error(
          item, R"(expected a path such as "/health", "tcp" or a table, found )" + quote_briefly(*text));
    }
    out.kind = Health::Kind::tcp;
    return;
  }
  const Table* table = reading.table(item, R"(a path such as "/health", "tcp" or a table)");
  if (table == nullptr) return;
  read_table(reading, item.path, *table, out);
  if (out.kind == Health::Kind::http) return;
  for (std::string_view key : {"path", "expect", "host", "proto", "headers"}) {
    if (const Entry* entry = find(*table, key)) {
      reading.error(entry->source, item.path + "." + std::string(key), R"(has no meaning with type = "tcp")");
    }
  }
}

}  // namespace gracevisor::config
