// How an exchange or a tunnel has ended, as reported to its client's stream. Thread: a value.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

enum class Over : std::uint8_t {
  complete,  // everything is written or queued: nothing is missing that the client must notice
  cut,       // the response is incomplete: the client must see that
  gone,      // the client is no longer there
};

}  // namespace gracevisor::proxy
