// What becomes of the client's connection when its exchange or tunnel ends. Thread: a value.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

enum class Ending : std::uint8_t {
  next,    // it carries a further request
  close,   // everything was read and written, and the client knows
  linger,  // close, but let the client read the answer before its unread bytes meet a closed socket
  cut,     // the response is incomplete: the client must see that
  gone,    // the client is no longer there
};

}  // namespace gracevisor::proxy
