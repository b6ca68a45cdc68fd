// What the workers have counted for an endpoint and for an app. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace gracevisor::decide {

// One endpoint's ledger, summed over the workers.
struct EndpointCounts {
  std::uint64_t in_flight = 0;
  std::uint64_t tunnels = 0;  // of those: WebSockets, TCP connections
  std::uint64_t requests = 0;
  std::uint64_t server_errors = 0;
  std::uint64_t cut = 0;
};

// One app's counts as its clients see them, summed over the workers.
struct AppCounts {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;
  std::uint64_t server_errors = 0;  // answers of the app with a status of 5xx
  std::uint64_t retried = 0;
  std::uint64_t repaired = 0;
  base::Duration slowest{};
  base::Duration slowest_body{};  // the longest wait for a body before an instance was chosen
  // The addresses of the listeners that its last deploy changed, and the answers that the proxy itself gave
  // there, to any request.
  std::string touched;
  std::uint64_t own_answers = 0;
};

}  // namespace gracevisor::decide
