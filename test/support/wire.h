// HTTP/1.1 messages as a strict receiver reads them off a transcript, without a line of lib/http: what the
// data path wrote is judged by code other than the code that wrote it. Thread: values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/proxy_peer.h"

namespace gracevisor::test {

struct WireMessage {
  std::string start;                                        // the start line
  std::vector<std::pair<std::string, std::string>> fields;  // names as written
  std::string content;                                      // decoded
  std::vector<std::pair<std::string, std::string>> trailers;
  bool whole = false;            // its end was seen
  bool ends_with_close = false;  // by the connection's end alone

  // The field's values in order, joined by ", "; "" when there is none. `name` may be in any case.
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  // For a response.
  [[nodiscard]] int status() const;
  [[nodiscard]] bool interim() const { return status() >= 100 && status() < 200; }
  [[nodiscard]] std::string token() const { return field("X-Gv-Error"); }  // in an answer of our own
};

struct Wire {
  std::vector<WireMessage> messages;  // the last may be incomplete, but its head is complete
  std::string rest;                   // what follows them
  std::string problem;                // "" or what no receiver would accept
};

// `to_head[i]`: the i-th final response answers a HEAD. `end`: how the connection ended.
[[nodiscard]] Wire read_responses(std::string_view bytes, End end, const std::vector<bool>& to_head = {});
[[nodiscard]] Wire read_requests(std::string_view bytes);

}  // namespace gracevisor::test
