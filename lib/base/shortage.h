// Shortages of this process or the machine: descriptors and memory. Neither an instance nor a client is to
// blame for such a failure, so it must not count against either. Thread: values, any thread.
#pragma once

#include <cerrno>

namespace gracevisor::base {

// Does `code`, an errno value, mean a lack of descriptors or memory?
[[nodiscard]] constexpr bool is_shortage(int code) noexcept {
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

// The same for opening a connection: the machine's local ports may be used up, too.
[[nodiscard]] constexpr bool is_dial_shortage(int code) noexcept {
  return is_shortage(code) || code == EADDRNOTAVAIL;
}

}  // namespace gracevisor::base
