// gv-keeper as a later version may be: what it sends says so, and has more behind each body. Linked with
// --wrap=sendmsg around the keeper's own sources.
#include <sys/socket.h>
#include <sys/types.h>

#include <cstdint>
#include <cstring>

#include "keeper/protocol.h"

namespace {
constexpr std::uint16_t kLater = 2;
constexpr std::size_t kAdded = 24;
}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names
extern "C" ssize_t __real_sendmsg(int socket, const msghdr* message, int flags);
extern "C" ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags);

extern "C" ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags) {
  using gracevisor::keeper::Header;
  using gracevisor::keeper::kMostBytes;
  const iovec& part = *message->msg_iov;
  Header header{};
  if (part.iov_len < sizeof header || part.iov_len + kAdded > kMostBytes)
    return __real_sendmsg(socket, message, flags);
  std::memcpy(&header, part.iov_base, sizeof header);
  if (header.length != part.iov_len) return __real_sendmsg(socket, message, flags);
  header.version = kLater;
  header.length = static_cast<std::uint16_t>(part.iov_len + kAdded);
  unsigned char bytes[kMostBytes];
  std::memcpy(bytes, part.iov_base, part.iov_len);
  std::memcpy(bytes, &header, sizeof header);
  std::memset(bytes + part.iov_len, 0x5a, kAdded);
  iovec longer{bytes, part.iov_len + kAdded};
  msghdr later = *message;
  later.msg_iov = &longer;
  return __real_sendmsg(socket, &later, flags);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
