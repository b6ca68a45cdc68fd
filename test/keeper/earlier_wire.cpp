// gv-keeper as the first version was: what was added to a body since is not sent. Linked with --wrap=sendmsg
// around the keeper's own sources.
#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstring>

#include "keeper/protocol.h"

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names
extern "C" ssize_t __real_sendmsg(int socket, const msghdr* message, int flags);
extern "C" ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags);

extern "C" ssize_t __wrap_sendmsg(int socket, const msghdr* message, int flags) {
  using gracevisor::keeper::Exit;
  using gracevisor::keeper::Header;
  using gracevisor::keeper::Kind;
  const iovec& part = *message->msg_iov;
  unsigned char bytes[sizeof(Header) + sizeof(Exit)];
  if (part.iov_len != sizeof bytes) return __real_sendmsg(socket, message, flags);
  std::memcpy(bytes, part.iov_base, sizeof bytes);
  Header header{};
  std::memcpy(&header, bytes, sizeof header);
  const bool exit = header.kind == Kind::reap || header.kind == Kind::exited;
  if (!exit || header.length != part.iov_len) return __real_sendmsg(socket, message, flags);
  header.length = sizeof(Header) + offsetof(Exit, alone);
  std::memcpy(bytes, &header, sizeof header);
  iovec shorter{bytes, header.length};
  msghdr earlier = *message;
  earlier.msg_iov = &shorter;
  return __real_sendmsg(socket, &earlier, flags);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
