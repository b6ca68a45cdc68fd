// Heads for tests: read whole and byte by byte, which must give the same.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "http/head_check.h"
#include "support/stand_ins.h"

namespace gracevisor::http::testing {

struct RequestReading {
  HeadResult result;
  RequestHead head;
};

struct ResponseReading {
  HeadResult result;
  ResponseHead head;
};

inline void check_same(const HeadResult& a, const HeadResult& b) {
  CHECK(a.state == b.state);
  CHECK(a.size == b.size);
  if (a.state != HeadState::refused) return;
  CHECK(a.refusal.status == b.refusal.status);
  CHECK(a.refusal.token() == b.refusal.token());
}

// `read` gets growing prefixes of `bytes` until it decides; that must be what it decided on the whole.
template <class Read>
void check_pieces(std::string_view bytes, const HeadResult& whole, Read read) {
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string piece(bytes.substr(0, size));  // its own memory: reading past its end is an error
    const HeadResult result = read(std::string_view(piece));
    if (result.state == HeadState::incomplete) continue;
    check_same(result, whole);
    return;
  }
  CHECK(whole.state == HeadState::incomplete);
}

// What is found in one pass is what is found in two.
inline void check_plain(std::string_view bytes, MessageKind kind, const HeadLimits& limits) {
  const FoundHead plain = find_plain_head(bytes, kind, limits);
  if (plain.state == HeadState::incomplete) return;
  REQUIRE(plain.state == HeadState::complete);
  const FoundHead found = find_head(bytes, kind, limits);
  REQUIRE(found.state == HeadState::complete);
  CHECK(plain.begin == found.begin);
  CHECK(plain.end == found.end);
  CHECK(plain.fields == found.fields);
  const std::string_view head = bytes.substr(0, plain.end);
  const bool request = kind == MessageKind::request;
  const auto checked = request ? check_request_head(head, limits) : check_response_head(head);
  REQUIRE(checked.has_value());
  CHECK(*checked == plain.stand_ins);
}

// Room for what is added to a head.
inline constexpr HeadLimits kWideLimits{
    .target = 1U << 20U, .head = 2U << 20U, .fields = 2000, .field = 1U << 20U};

// Heads mean the same with and without what llhttp is given a stand-in for.
inline void check_stand_ins(std::string_view bytes, const RequestReading& reading) {
  if (reading.result.state != HeadState::complete) return;
  std::string_view head = bytes.substr(0, reading.result.size);
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  std::vector<std::string> forms = {test::plain_request(head)};
  const bool path = test::request_target(head).starts_with('/');
  if (reading.head.method != Method::options && path) forms.push_back(test::odd_request(head));
  HeadReader reader;
  for (const std::string& form : forms) {
    CAPTURE(form);
    RequestHead other;
    REQUIRE(reader.read_request(form, kWideLimits, other).state == HeadState::complete);
    CHECK(other.body.kind == reading.head.body.kind);
    CHECK(other.body.length == reading.head.body.length);
    CHECK(other.keep_alive == reading.head.keep_alive);
    CHECK(other.fields.size() == reading.head.fields.size());
  }
}

inline void check_stand_ins(std::string_view bytes, Method method, const ResponseReading& reading) {
  if (reading.result.state != HeadState::complete) return;
  const std::string_view head = bytes.substr(0, reading.result.size);
  const bool plain = !reading.head.repaired;
  std::vector<std::string> forms = {test::plain_response(head)};
  if (plain && !reading.head.interim()) forms.push_back(test::odd_response(head));
  HeadReader reader;
  for (const std::string& form : forms) {
    CAPTURE(form);
    ResponseHead other;
    REQUIRE(reader.read_response(form, kWideLimits, method, other).state == HeadState::complete);
    CHECK(other.body.kind == reading.head.body.kind);
    CHECK(other.body.length == reading.head.body.length);
    CHECK((!other.repaired || !other.keep_alive));
    CHECK(other.fields.size() == reading.head.fields.size());
  }
}

// The views of the result point into `bytes`.
inline RequestReading read_request(std::string_view bytes, const HeadLimits& limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  HeadReader reader;
  RequestReading reading;
  reading.result = reader.read_request(bytes, limits, reading.head, Look::first);
  RequestHead scratch;
  check_plain(bytes, MessageKind::request, limits);
  check_pieces(bytes, reading.result,
               [&](std::string_view piece) { return reader.read_request(piece, limits, scratch); });
  check_stand_ins(bytes, reading);
  return reading;
}

inline ResponseReading read_response(std::string_view bytes, Method method = Method::get,
                                     const HeadLimits& limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  HeadReader reader;
  ResponseReading reading;
  reading.result = reader.read_response(bytes, limits, method, reading.head, Look::first);
  ResponseHead scratch;
  check_plain(bytes, MessageKind::response, limits);
  check_pieces(bytes, reading.result,
               [&](std::string_view piece) { return reader.read_response(piece, limits, method, scratch); });
  check_stand_ins(bytes, method, reading);
  return reading;
}

inline void check_refused(std::string_view bytes, int status, std::string_view token,
                          const HeadLimits& limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  const RequestReading reading = read_request(bytes, limits);
  REQUIRE(reading.result.state == HeadState::refused);
  CHECK(reading.result.refusal.status == status);
  CHECK(reading.result.refusal.token() == token);
}

inline void check_response_refused(std::string_view bytes, std::string_view token,
                                   const HeadLimits& limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  const ResponseReading reading = read_response(bytes, Method::get, limits);
  REQUIRE(reading.result.state == HeadState::refused);
  CHECK(reading.result.refusal.status == 502);
  CHECK(reading.result.refusal.token() == token);
}

inline RequestHead accept_request(std::string_view bytes, const HeadLimits& limits = {}) {
  CAPTURE(bytes.substr(0, 200));
  RequestReading reading = read_request(bytes, limits);
  CAPTURE(reading.result.refusal.token());
  REQUIRE(reading.result.state == HeadState::complete);
  return reading.head;
}

inline ResponseHead accept_response(std::string_view bytes, Method method = Method::get) {
  CAPTURE(bytes.substr(0, 200));
  ResponseReading reading = read_response(bytes, method);
  CAPTURE(reading.result.refusal.token());
  REQUIRE(reading.result.state == HeadState::complete);
  return reading.head;
}

// A GET for host "h" with these field lines (each with its CRLF).
inline std::string get_with(std::string_view fields) {
  return std::string("GET / HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n");
}
inline std::string post_with(std::string_view fields) {
  return std::string("POST / HTTP/1.1\r\nHost: h\r\n").append(fields).append("\r\n");
}
inline std::string ok_with(std::string_view fields) {
  return std::string("HTTP/1.1 200 OK\r\n").append(fields).append("\r\n");
}

}  // namespace gracevisor::http::testing
