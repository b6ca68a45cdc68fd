// What an exchange remembers of its request once the bytes it was parsed from are gone: enough to route it
// again, to decide about replays, and to answer it ourselves. Strings keep their capacity from one request to
// the next. Thread: a value, the owner's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"

namespace gracevisor::proxy {

struct RequestMemo {
  http::Method method = http::Method::get;
  bool idempotent = true;  // the method, or an Idempotency-Key (RFC 9110 section 9.2.2)
  bool expects_continue = false;
  bool takes_trailers = false;
  std::string_view accept;  // views a constant: as much of Accept as our own answers need
  std::string host;
  std::string path;
  std::string request_id;      // the client's, or made by us
  std::string upgrade;         // the protocols that it asked to change to; empty: none
  std::uint64_t affinity = 0;  // see affinity.h
  base::TimePoint began{};

  void take(const http::RequestHead& head, base::TimePoint now);
  // For a connection in TCP mode: nothing is known about what it carries.
  void take_raw(base::TimePoint now);
  void clear() noexcept;
};

// Empties a string that is reused, and frees the capacity that an unusually long value left behind.
void recycle(std::string& text) noexcept;

}  // namespace gracevisor::proxy
