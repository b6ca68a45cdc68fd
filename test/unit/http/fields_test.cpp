#include "http/fields.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>

#include "http/characters.h"

namespace gracevisor::http {

namespace {

constexpr std::array<std::pair<std::string_view, FieldName>, 25> kNames = {{
    {"Accept", FieldName::accept},
    {"Connection", FieldName::connection},
    {"Content-Length", FieldName::content_length},
    {"Content-Type", FieldName::content_type},
    {"Cookie", FieldName::cookie},
    {"Date", FieldName::date},
    {"Expect", FieldName::expect},
    {"Forwarded", FieldName::forwarded},
    {"Host", FieldName::host},
    {"Idempotency-Key", FieldName::idempotency_key},
    {"Keep-Alive", FieldName::keep_alive},
    {"Max-Forwards", FieldName::max_forwards},
    {"Proxy-Authenticate", FieldName::proxy_authenticate},
    {"Proxy-Authorization", FieldName::proxy_authorization},
    {"Proxy-Connection", FieldName::proxy_connection},
    {"Retry-After", FieldName::retry_after},
    {"TE", FieldName::te},
    {"Trailer", FieldName::trailer},
    {"Transfer-Encoding", FieldName::transfer_encoding},
    {"Upgrade", FieldName::upgrade},
    {"Via", FieldName::via},
    {"X-Forwarded-For", FieldName::x_forwarded_for},
    {"X-Forwarded-Host", FieldName::x_forwarded_host},
    {"X-Forwarded-Proto", FieldName::x_forwarded_proto},
    {"X-Request-Id", FieldName::x_request_id},
}};

}  // namespace

TEST_CASE("fields: every known name is classified, in any case, and no name near it") {
  for (const auto& [name, expected] : kNames) {
    CAPTURE(name);
    std::string text(name);
    CHECK(classify(text) == expected);
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    CHECK(classify(text) == expected);
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    CHECK(classify(text) == expected);
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string near = text;
      near[i] = near[i] == '-' ? '_' : '-';
      CHECK(classify(near) == FieldName::other);
    }
    CHECK(classify(text + "x") == FieldName::other);
    CHECK(classify(text.substr(1)) == FieldName::other);
  }
}

TEST_CASE("fields: the empty name and long names are other") {
  CHECK(classify("") == FieldName::other);
  CHECK(classify(std::string(500, 'x')) == FieldName::other);
}

TEST_CASE("fields: letters alone are compared without case") {
  CHECK(equals_ignoring_case("aBc-1", "AbC-1"));
  CHECK_FALSE(equals_ignoring_case("a", "ab"));
  CHECK_FALSE(equals_ignoring_case("^", "~"));  // differ in the bit that tells case apart in letters
  CHECK_FALSE(equals_ignoring_case("@", "`"));
}

TEST_CASE(
    "fields: of every length and at every place, one character that differs in more than case is seen") {
  const std::string all = "abcdefghijklmnopqrstuvwxyz";
  for (std::size_t size = 1; size <= all.size(); ++size) {
    const std::string text = all.substr(0, size);
    for (std::size_t at = 0; at < size; ++at) {
      CAPTURE(size);
      CAPTURE(at);
      std::string other = text;
      other[at] = static_cast<char>(text[at] - 'a' + 'A');
      CHECK(equals_ignoring_case(text, other));
      other[at] = '-';
      CHECK_FALSE(equals_ignoring_case(text, other));
      std::string dash = text;
      dash[at] = '-';
      other[at] = '\r';  // '-' without the bit that tells case apart
      CHECK_FALSE(equals_ignoring_case(dash, other));
    }
  }
}

TEST_CASE("fields: every character that a value may hold is passed over, and each other one stops") {
  for (int c = 0; c < 256; ++c) {
    const bool allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
    for (std::size_t at = 0; at < 20; ++at) {
      CAPTURE(c);
      CAPTURE(at);
      std::string text(20, 'v');
      text[at] = static_cast<char>(c);
      CHECK(value_span(text) == (allowed ? text.size() : at));
      text[0] = '\t';
      text[19] = '\n';
      CHECK(value_span(text) == (allowed || at == 0 || at == 19 ? 19 : at));
    }
  }
}

TEST_CASE("fields: membership of a list") {
  CHECK(list_has("close", "close"));
  CHECK(list_has("keep-alive, Close", "close"));
  CHECK(list_has(" ,, \tclose\t,", "close"));
  CHECK(list_has("trailers;q=0.5, gzip", "trailers"));
  CHECK(list_has("gzip ; q=1", "gzip"));
  CHECK_FALSE(list_has("", "close"));
  CHECK_FALSE(list_has("closed", "close"));
  CHECK_FALSE(list_has("x close", "close"));
  CHECK_FALSE(list_has("a;close", "close"));
}

}  // namespace gracevisor::http
