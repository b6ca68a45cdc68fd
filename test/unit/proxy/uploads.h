// Requests with bodies in pieces, and what became of them. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {

inline std::string post(std::size_t length, std::string_view fields = "") {
  return "POST /up HTTP/1.1\r\nHost: h\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

inline std::string chunked_post(std::string_view fields = "") {
  return "POST /up HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "Transfer-Encoding: chunked\r\n\r\n";
}

inline std::string chunk(std::size_t size) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (std::size_t rest = size; rest > 0; rest /= 16) digits.insert(digits.begin(), kDigits[rest % 16]);
  return digits + "\r\n" + std::string(size, 'x') + "\r\n";
}

// The request that an instance's connection has got; its start is empty when there is none.
inline WireMessage request_at(CoreRig& rig, std::size_t connection = 0) {
  const RawEnd* app = rig.app(connection);
  if (app == nullptr) return {};
  const Wire wire = read_requests(app->received());
  CHECK(wire.problem == "");
  return wire.messages.empty() ? WireMessage{} : wire.messages.back();
}

inline WireMessage response_to(const RawEnd& client) {
  const Wire wire = read_responses(client.received(), client.end());
  CHECK(wire.problem == "");
  return wire.messages.empty() ? WireMessage{} : wire.messages.back();
}

}  // namespace gracevisor::test
