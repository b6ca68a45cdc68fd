// What becomes of the client's connection when what was done for it ends. Thread: a value.
#pragma once

#include <cstdint>

namespace gracevisor::proxy {

enum class Ending : std::uint8_t {
  next,    // it carries a further request
  close,   // everything was read and written, and the client knows: close
  linger,  // close, but let the client read the answer before its unread bytes meet a closed socket
  cut,     // the response is incomplete: the client must see that
  gone,    // nobody is there any more
};

}  // namespace gracevisor::proxy
