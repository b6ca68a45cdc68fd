// A client's connection on its way to its Downstream: accepted just now, or handed over by a predecessor,
// which may have served it before. Thread: values.
#pragma once

#include <optional>
#include <string>

#include "loop/listener.h"

namespace gracevisor::proxy {

// How far a connection had come at the predecessor.
struct Handed {
  int family = 0;        // of the socket: the client may be one that a PROXY header has named
  bool preface = false;  // the PROXY header is still to come, or begun in `bytes`
  bool served = false;   // at least one request was
  std::string bytes;     // read and not served
};

struct Arrival {
  loop::Accepted connection;     // `peer`: who the connection belongs to
  std::optional<Handed> handed;  // set if it comes from a predecessor

  [[nodiscard]] int family() const noexcept { return handed ? handed->family : connection.peer.family(); }
};

}  // namespace gracevisor::proxy
