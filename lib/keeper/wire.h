// Records with descriptors, on a socket: what both sides of the protocol send and receive with. Nothing here
// blocks. Needs the C library alone. Thread: the socket's owner's.
#pragma once

#include <sys/socket.h>

#include <cstddef>

#include "keeper/protocol.h"

namespace gracevisor::keeper {

// What one recvmsg() gave. The descriptors, close-on-exec, are closed with it, except those taken.
class Packet {
 public:
  Packet() = default;
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { clear(); }

  enum class Got { record, nothing, end };
  // `end`: the other side is gone, or the socket is broken. What the packet held before is closed.
  [[nodiscard]] Got receive(int socket);

  [[nodiscard]] const void* bytes() const { return bytes_; }
  // More than kMostBytes if it was longer than a record may be.
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t descriptors() const { return count_; }
  // There were more descriptors than a record may have, or than this process can take: refuse the record.
  [[nodiscard]] bool truncated() const { return truncated_; }
  [[nodiscard]] int descriptor(std::size_t i) const { return fds_[i]; }
  // It is the caller's from now on.
  [[nodiscard]] int take(std::size_t i);
  // Closes them and forgets the bytes.
  void clear();

 private:
  void keep_descriptors(const msghdr& message);

  alignas(8) unsigned char bytes_[kMostBytes] = {};
  std::size_t size_ = 0;
  std::size_t count_ = 0;
  bool truncated_ = false;
  int fds_[kMostDescriptors] = {};
};

// 0, or the errno: EAGAIN if the reader is slow, ETOOMANYREFS if too many descriptors are in flight; nothing
// was sent then. Requires: count <= kMostDescriptors.
[[nodiscard]] int send_bytes(int socket, const void* bytes, std::size_t size, const int* descriptors,
                             std::size_t count);
[[nodiscard]] int send_record(int socket, const Record& record, const int* descriptors, std::size_t count);

}  // namespace gracevisor::keeper
