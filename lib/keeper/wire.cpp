#include "keeper/wire.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gracevisor::keeper {
namespace {

// An empty record looks like the end.
bool hung_up(int socket) {
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) != 0;
}

}  // namespace

Packet::Got Packet::receive(int socket) {
  clear();
  iovec part{bytes_, sizeof bytes_};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds_)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size = 0;
  // ECONNRESET, once: the other side is gone and had not read everything. What it sent before is still there.
  do {
    size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return errno == EAGAIN ? Got::nothing : Got::end;
  if (size == 0 && hung_up(socket)) return Got::end;
  size_ = static_cast<std::size_t>(size);
  if ((message.msg_flags & MSG_TRUNC) != 0) size_ = kMostBytes + 1;
  truncated_ = (message.msg_flags & MSG_CTRUNC) != 0;
  keep_descriptors(message);
  return Got::record;
}

void Packet::keep_descriptors(const msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t bytes = part->cmsg_len - CMSG_LEN(0);
    std::memcpy(fds_ + count_, CMSG_DATA(part), bytes);
    count_ += bytes / sizeof(int);
  }
}

int Packet::take(std::size_t i) {
  const int fd = fds_[i];
  fds_[i] = -1;
  return fd;
}

void Packet::clear() {
  for (std::size_t i = 0; i < count_; ++i) {
    if (fds_[i] >= 0) (void)::close(fds_[i]);
  }
  size_ = count_ = 0;
  truncated_ = false;
}

int send_record(int socket, const Record& record, const int* descriptors, std::size_t count) {
  return send_bytes(socket, &record, record.header.length, descriptors, count);
}

int send_bytes(int socket, const void* bytes, std::size_t size, const int* descriptors, std::size_t count) {
  iovec part{const_cast<void*>(bytes), size};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count != 0) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace gracevisor::keeper
