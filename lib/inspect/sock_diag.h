// Questions to the kernel about its sockets, over netlink (sock_diag(7)). The answers are treated as
// untrusted bytes: every length in them is checked. Thread: any; blocks only in system calls, one second at
// most in each.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::inspect {

// That are looked at, of each kind.
inline constexpr std::size_t kMaxListeners = 65536;

class SockDiag {
 public:
  [[nodiscard]] static base::Expected<SockDiag> open();

  // Asks for all sockets that `request` (an inet_diag_req_v2 or a unix_diag_req) describes; `take` gets the
  // bytes after the netlink header of each message, and returns whether it wants more.
  using Take = std::function<bool(std::span<const char>)>;
  [[nodiscard]] base::Expected<void> dump(std::span<const std::byte> request, const Take& take) const;

 private:
  explicit SockDiag(base::UniqueFd fd) : fd_(std::move(fd)) {}
  base::UniqueFd fd_;
};

// The value of the first attribute of this type among `attributes`, the bytes after a message; empty when
// there is none.
[[nodiscard]] std::span<const char> find_attribute(std::span<const char> attributes, unsigned type);

}  // namespace gracevisor::inspect
