#include "config/values.h"

#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

namespace gracevisor::config {

TEST_CASE("values: durations are whole numbers with units, the larger first") {
  struct Case {
    const char* text;
    std::int64_t millis;
  };
  for (Case c : std::vector<Case>{{"0", 0},
                                  {"0s", 0},
                                  {"500ms", 500},
                                  {"10s", 10000},
                                  {"5m", 300000},
                                  {"2h", 7200000},
                                  {"1d", 86400000},
                                  {"1h30m", 5400000},
                                  {"1m5s20ms", 65020},
                                  {"1d2h3m4s5ms", 93784005}}) {
    CAPTURE(c.text);
    auto parsed = parse_duration(c.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->count() == c.millis);
  }
}

TEST_CASE("values: what is no duration is refused") {
  for (const char* text : {"", " ", "10", "s", "10 s", "1.5s", "-1s", "+1s", "10S", "10sec", "30m1h", "1s1s",
                           "1h 30m", "10s ", "\xc2\xb5s", "1y", "00", "0x10s", "1s0"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
  auto wrong = parse_duration("ten");
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().what == R"(expected a duration such as "10s", "500ms" or "1h30m", found "ten")");
}

TEST_CASE("values: a duration that does not fit is an error, not a wrap") {
  for (const char* text :
       {"18446744073709551615ms", "9999999999999999999999s", "300000000d", "106751d9223372036854775ms"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("values: a duration's text is read back as the same") {
  for (std::int64_t millis : {0, 1, 999, 1000, 1500, 60000, 90000, 3600000, 5400000, 86400000}) {
    CAPTURE(millis);
    CHECK(parse_duration(duration_text(Millis(millis))) == Millis(millis));
  }
  CHECK(duration_text(Millis(60000)) == "60s");
  CHECK(duration_text(Millis(90000)) == "90s");
  CHECK(duration_text(Millis(120000)) == "2m");
  CHECK(duration_text(Millis(5400000)) == "90m");
  CHECK(duration_text(Millis(0)) == "0s");
}

TEST_CASE("values: sizes have binary and decimal units") {
  struct Case {
    const char* text;
    std::uint64_t bytes;
  };
  for (Case c : std::vector<Case>{{"0", 0},
                                  {"1B", 1},
                                  {"8k", 8192},
                                  {"8K", 8192},
                                  {"8KiB", 8192},
                                  {"8kB", 8000},
                                  {"50MiB", 52428800},
                                  {"10MB", 10000000},
                                  {"1G", 1073741824},
                                  {"1GB", 1000000000},
                                  {"2TiB", 2199023255552}}) {
    CAPTURE(c.text);
    auto parsed = parse_size(c.text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == c.bytes);
    CHECK(parse_size(size_text(*parsed)) == c.bytes);
  }
  CHECK(size_text(50ULL << 20) == "50MiB");
  CHECK(size_text(10'000'000) == "10MB");
  CHECK(size_text(12345) == "12345B");
}

TEST_CASE("values: what is no size is refused") {
  for (const char* text : {"", "10", "MiB", "10 MiB", "1.5MB", "-1B", "10mib", "10MiBB", "10s",
                           "18446744073709551615B", "99999999999999999999B", "9000000TiB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text).has_value());
  }
}

TEST_CASE("values: signals are known with and without SIG, in any case") {
  CHECK(parse_signal("TERM") == SIGTERM);
  CHECK(parse_signal("SIGTERM") == SIGTERM);
  CHECK(parse_signal("sigusr1") == SIGUSR1);
  CHECK(parse_signal("tstp") == SIGTSTP);
  CHECK(signal_text(SIGINT) == "INT");
  for (const char* text : {"", "SIG", "TREM", "STOP", "15", "TERM ", "SIGSIGTERM"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_signal(text).has_value());
  }
  CHECK(parse_signal("TREM").error().what == R"(unknown signal "TREM" (did you mean "TERM"?))");
}

TEST_CASE("values: status ranges are lists of statuses from 100 to 599") {
  CHECK(parse_statuses("200-299,301") == std::vector<StatusRange>{{200, 299}, {301, 301}});
  CHECK(parse_statuses("204") == std::vector<StatusRange>{{204, 204}});
  CHECK(parse_statuses("200, 302 - 304") == std::vector<StatusRange>{{200, 200}, {302, 304}});
  CHECK(statuses_text({{200, 299}, {301, 301}}) == "200-299,301");
  for (const char* text :
       {"", ",", "200,", "200-", "-200", "299-200", "99", "600", "2xx", "200-299-300", "200 301"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_statuses(text).has_value());
  }
}

TEST_CASE("values: networks have no bits beyond their prefix") {
  for (const char* text : {"10.0.0.0/8", "127.0.0.1/32", "::1/128", "fd00::/8", "0.0.0.0/0", "::/0"}) {
    CAPTURE(text);
    auto cidr = parse_cidr(text);
    REQUIRE(cidr.has_value());
    CHECK(cidr_text(*cidr) == text);
  }
  CHECK(parse_cidr("192.0.2.7")->prefix == 32);
  CHECK(parse_cidr("::1")->prefix == 128);
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.1/8", "::1/129", "fd01::/8",
                           "x/8", "10.0.0.0/8/8", "[::1]/128", "10.0.0.0/-1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cidr(text).has_value());
  }
}

TEST_CASE("values: a range of ports is two ports in order") {
  auto range = parse_port_range("20000-29999");
  REQUIRE(range.has_value());
  CHECK(range->first == base::Port(20000));
  CHECK(range->last == base::Port(29999));
  CHECK(parse_port_range("1-65535").has_value());
  CHECK(parse_port_range("5000-5000").has_value());
  for (const char* text : {"", "-", "20000", "2-1", "0-5", "1-65536", "1-2-3", "a-b", "1-", "-2"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_port_range(text).has_value());
  }
}

TEST_CASE("values: a route is a host, a path or both") {
  struct Case {
    const char* text;
    const char* host;
    const char* path;
  };
  for (Case c : std::vector<Case>{{"example.com", "example.com", "/"},
                                  {"Example.COM/Api", "example.com", "/Api"},
                                  {"example.com/api/", "example.com", "/api"},
                                  {"/api", "", "/api"},
                                  {"/", "", "/"},
                                  {"*", "", "/"},
                                  {"*/api", "", "/api"},
                                  {"*.example.com", "*.example.com", "/"},
                                  {"localhost", "localhost", "/"},
                                  {"127.0.0.1/x", "127.0.0.1", "/x"},
                                  {"[::1]/x", "[::1]", "/x"}}) {
    CAPTURE(c.text);
    auto route = parse_route(c.text);
    REQUIRE(route.has_value());
    CHECK(route->host == c.host);
    CHECK(route->path == c.path);
    CHECK(parse_route(route_text(*route)) == *route);
  }
}

TEST_CASE("values: what is no route is refused") {
  for (const char* text : {"", "http://example.com", "example.com:80", "exa mple.com", "a..b", ".a", "a.",
                           "*.*.com", "a.*.com", "example.com/*", "example.com/a b", "example.com/?x", "/a#b",
                           "*.", "[::1", "a/\x01", "b\xc3\xbcro.de"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_route(text).has_value());
  }
  CHECK(parse_route("example.com:80").error().what ==
        R"(expected a host without a port, found "example.com:80")");
}

}  // namespace gracevisor::config
