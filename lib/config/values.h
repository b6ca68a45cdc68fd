// The texts of single values: durations ("1h30m"), sizes ("50MiB"), signals ("TERM"), status ranges
// ("200-299,301"), networks ("10.0.0.0/8"), routes ("example.com/api"), and back again. An error is the end
// of a sentence about the value: `expected a duration such as "10s", found "ten"`. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::config {

// Whole numbers with d, h, m, s, ms, the larger unit first, each at most once; "0" needs no unit.
[[nodiscard]] base::Expected<Millis> parse_duration(std::string_view text);
[[nodiscard]] std::string duration_text(Millis duration);

// B; K M G T in either case, KiB MiB GiB TiB (powers of 1024); kB MB GB TB (powers of 1000); "0" needs no
// unit.
[[nodiscard]] base::Expected<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string size_text(std::uint64_t size);

// With or without "SIG", in any case.
[[nodiscard]] base::Expected<int> parse_signal(std::string_view text);
[[nodiscard]] std::string signal_text(int signal);

[[nodiscard]] base::Expected<std::vector<StatusRange>> parse_statuses(std::string_view text);
[[nodiscard]] std::string statuses_text(const std::vector<StatusRange>& ranges);

[[nodiscard]] base::Expected<Cidr> parse_cidr(std::string_view text);
[[nodiscard]] std::string cidr_text(const Cidr& cidr);

[[nodiscard]] base::Expected<PortRange> parse_port_range(std::string_view text);

// A host of a route or of a health check, lower-cased: a name, an address, or for routes "*.example.com".
[[nodiscard]] base::Expected<std::string> parse_host(std::string_view text, bool wildcard_allowed);
// The path of a route, without a trailing slash (except "/").
[[nodiscard]] base::Expected<std::string> parse_route_path(std::string_view text);
[[nodiscard]] base::Expected<Route> parse_route(std::string_view text);
[[nodiscard]] std::string route_text(const Route& route);

}  // namespace gracevisor::config
