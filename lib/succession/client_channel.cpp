#include "succession/client_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "base/shortage.h"
#include "succession/client_record.h"

namespace gracevisor::succession {
namespace {

// A record has one or two; more than this many are closed by the kernel.
constexpr std::size_t kMostDescriptors = 8;
// After so many in a row that are no records, take() says that none has come.
constexpr int kMostSkipped = 16;
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Unset: descriptors or memory are lacking, or the machine has no memfd.
base::UniqueFd file_with(std::string_view bytes) {
  base::UniqueFd file(::memfd_create("unserved", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  while (file && !bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n == 0 || errno != EINTR) {
      return {};
    }
  }
  if (!file || ::fcntl(file.get(), F_ADD_SEALS, kSeals) != 0) return {};
  return file;
}

// What is sealed is a memfd, so reading it never waits, and of a size that stays.
std::optional<std::string> content_of(int file, std::size_t size) {
  const int seals = ::fcntl(file, F_GET_SEALS);
  struct stat status{};
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(file, &status) != 0) return std::nullopt;
  if (static_cast<std::size_t>(status.st_size) != size) return std::nullopt;
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pread(file, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      return std::nullopt;
    }
  }
  return bytes;
}

std::optional<int> option_of(int socket, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, option, &value, &length) != 0) return std::nullopt;
  return value;
}

// The family of a connection; unset: it is none.
std::optional<int> family_of_connection(int socket) {
  if (option_of(socket, SO_TYPE) != SOCK_STREAM || option_of(socket, SO_ACCEPTCONN) != 0) return std::nullopt;
  const auto family = option_of(socket, SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return std::nullopt;
  return family;
}

struct Message {
  std::array<char, kMostRecord + 1> bytes;  // one more: what fills it was too long
  ssize_t size = 0;                         // or -1, with errno
  std::array<base::UniqueFd, kMostDescriptors> descriptors;
  std::size_t count = 0;
  bool cut = false;  // descriptors are missing

  void receive(int socket);
};

void Message::receive(int socket) {
  iovec part{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  // ECONNRESET, once: the other side is gone and had not read everything. What it sent is still there.
  do {
    size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0) return;
  cut = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&message); rights != nullptr; rights = CMSG_NXTHDR(&message, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kMostDescriptors> fds{};
    const std::size_t length = rights->cmsg_len - CMSG_LEN(0);
    std::memcpy(fds.data(), CMSG_DATA(rights), length);
    for (int fd : std::span(fds).first(length / sizeof(int))) descriptors.at(count++).reset(fd);
  }
}

bool hung_up(int socket) {
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace

ClientChannel::Given ClientChannel::give(int socket, const ClientState& state) const {
  std::string record;
  const auto in_memfd = write_client_record(state, record);
  if (!in_memfd) return Given::never;
  base::UniqueFd file;
  if (*in_memfd) {
    file = file_with(state.bytes);
    if (!file) return Given::later;
  }
  const std::array<int, 2> fds{socket, file.get()};
  const std::size_t length = (file ? 2 : 1) * sizeof(int);
  iovec part{record.data(), record.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(length);
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(length);
  std::memcpy(CMSG_DATA(rights), fds.data(), length);
  do {
    if (::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Given::given;
  } while (errno == EINTR);
  const bool passes = errno == EAGAIN || errno == ETOOMANYREFS || base::is_shortage(errno);
  return passes ? Given::later : Given::never;
}

std::expected<ClientConnection, ClientChannel::None> ClientChannel::take() const {
  for (int skipped = 0; skipped < kMostSkipped; ++skipped) {
    Message message;
    message.receive(socket_.get());
    if (message.size < 0 || (message.size == 0 && hung_up(socket_.get()))) break;
    auto record = read_client_record({message.bytes.data(), static_cast<std::size_t>(message.size)});
    if (!record) continue;
    const std::size_t expected = record->in_memfd > 0 ? 2 : 1;
    if (message.cut && message.count < expected) return std::unexpected(None::room);
    if (message.cut || message.count != expected) continue;
    if (record->in_memfd > 0) {
      auto bytes = content_of(message.descriptors[1].get(), record->in_memfd);
      if (!bytes) continue;
      record->state.bytes = std::move(*bytes);
    }
    base::UniqueFd& socket = message.descriptors[0];
    const auto family = family_of_connection(socket.get());
    if (!family || !base::set_nonblocking(socket.get())) continue;
    return ClientConnection{std::move(socket), *family, std::move(record->state)};
  }
  return std::unexpected(None::now);
}

bool ClientChannel::ended() const {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::recv(socket_.get(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n < 0) return errno != EAGAIN;
  // An empty record looks like the end.
  return n == 0 && hung_up(socket_.get());
}

}  // namespace gracevisor::succession
