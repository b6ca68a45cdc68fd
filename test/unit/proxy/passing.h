// One request through a rig to an app and back, and looking into the heads that come out. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/fields.h"
#include "support/proxy_rig.h"

namespace gracevisor::test {

// The values of every field of that name, in order.
inline std::vector<std::string> values_of(std::string_view head, std::string_view name) {
  std::vector<std::string> values;
  head = head.substr(0, head.find("\r\n\r\n") + 2);
  while (!head.empty()) {
    std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    auto colon = line.find(": ");
    if (colon != std::string_view::npos && http::equals_ignoring_case(line.substr(0, colon), name)) {
      values.emplace_back(line.substr(colon + 2));
    }
  }
  return values;
}

// The value of the only field of that name; "(none)" or "(several)".
inline std::string value_of(std::string_view head, std::string_view name) {
  auto values = values_of(head, name);
  if (values.size() == 1) return values.front();
  return values.empty() ? "(none)" : "(several)";
}

inline std::string first_line(std::string_view head) {
  return std::string(head.substr(0, head.find("\r\n")));
}

inline std::string body_of(std::string_view message) {
  auto end = message.find("\r\n\r\n");
  return end == std::string_view::npos ? "" : std::string(message.substr(end + 4));
}

struct Passed {
  std::string request;   // the head that the app gets
  std::string response;  // what the client gets
};

// On connections of its own. `answer` says Connection: close, or the next one finds a pooled connection.
inline Passed pass(const ProxyRig& rig, FakeApp& app, const std::string& request,
                   const std::string& answer = ok("ok", "Connection: close\r\n")) {
  Passed passed;
  Peer client = rig.connect();
  REQUIRE(client.send(request));
  Peer side = app.accept();
  passed.request = side.read_past("\r\n\r\n");
  REQUIRE_FALSE(passed.request.empty());
  REQUIRE(side.send(answer));
  passed.response = client.read_message();
  return passed;
}

// What the client gets without any app.
inline std::string answer_to(const ProxyRig& rig, const std::string& request) {
  Peer client = rig.connect();
  REQUIRE(client.send(request));
  return client.read_message();
}

}  // namespace gracevisor::test
