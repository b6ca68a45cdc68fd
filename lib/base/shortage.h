// What this process or the machine has run out of: descriptors and memory. Such a failure is nobody else's
// fault, so it must count neither against an instance nor against a client. Thread: values, any thread.
#pragma once

#include <cerrno>

namespace gracevisor::base {

// Is `code`, an errno value, the want of a descriptor or of memory?
[[nodiscard]] constexpr bool is_shortage(int code) noexcept {
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

// The same for beginning a connection: the machine's local ports may be used up, too.
[[nodiscard]] constexpr bool is_dial_shortage(int code) noexcept {
  return is_shortage(code) || code == EADDRNOTAVAIL;
}

}  // namespace gracevisor::base
