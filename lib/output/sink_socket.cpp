#include "output/sink_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/address.h"
#include "base/sealed_file.h"

namespace gracevisor::output {
namespace {

constexpr std::size_t kMostSealed = std::size_t{16} << 20;  // far above what a record can be

using base::PathFailure;
using base::PathResult;

std::unexpected<PathFailure> unconnected(const FilePolicy& where, int code) {
  return std::unexpected(PathFailure{base::system_error("cannot connect to " + where.name(), code), false});
}

// Empty, and errno says why.
base::UniqueFd connected(const base::Address& to, int type) {
  base::UniqueFd fd(::socket(to.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), to.get(), to.length()) == 0) return fd;
  const int code = errno;
  fd.reset();
  errno = code;
  return fd;
}

}  // namespace

PathResult<SinkSocket> SinkSocket::open(const FilePolicy& where, const LogOpener& opener) {
  SinkSocket socket;
  const std::string& path = where.path.native();
  if (path.starts_with(kUdp)) {
    auto to = base::Address::parse(std::string_view(path).substr(kUdp.size()));
    if (!to) return std::unexpected(PathFailure{std::move(to.error()), true});
    socket.kind_ = Kind::udp;
    socket.fd_ = connected(*to, SOCK_DGRAM);
    if (!socket.fd_) return unconnected(where, errno);
    return socket;
  }
  auto place = opener.find_socket(where);
  if (!place) return std::unexpected(std::move(place.error()));
  // By the folder that was judged: nothing can be swapped in between.
  const std::string there = "/proc/self/fd/" + std::to_string(place->folder.get()) + "/" + place->name;
  auto to = base::Address::unix_path(there);
  if (!to) return unconnected(where, ENAMETOOLONG);
  socket.kind_ = where.sink == SinkKind::journal ? Kind::journal : Kind::datagram;
  socket.fd_ = connected(*to, SOCK_DGRAM);
  if (!socket.fd_ && errno == EPROTOTYPE && socket.kind_ == Kind::datagram) {
    socket.kind_ = Kind::stream;
    socket.fd_ = connected(*to, SOCK_STREAM);
  }
  if (!socket.fd_) return unconnected(where, errno);
  return socket;
}

base::Expected<void> SinkSocket::check(const FilePolicy& where, const LogOpener& opener) {
  const std::string& path = where.path.native();
  if (path.starts_with(kUdp)) {
    if (auto to = base::Address::parse(std::string_view(path).substr(kUdp.size())); !to)
      return std::unexpected(std::move(to.error()));
    return {};
  }
  auto place = opener.find_socket(where);
  if (!place && place.error().refused) return std::unexpected(std::move(place.error().error));
  return {};
}

SinkSocket::Sent SinkSocket::send(std::string_view& message) {
  while (!message.empty()) {
    const ssize_t n = ::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EMSGSIZE && kind_ == Kind::journal) return send_sealed(message);
    if (n < 0) return judge(errno);
    message.remove_prefix(kind_ == Kind::stream ? static_cast<std::size_t>(n) : message.size());
  }
  return Sent::all;
}

SinkSocket::Sent SinkSocket::judge(int code) {
  error_ = code;
  switch (code) {
    case EAGAIN: return Sent::full;
    case ENOBUFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ETOOMANYREFS: return Sent::scarce;
    case EMSGSIZE: return Sent::too_big;
    case ECONNREFUSED: return kind_ == Kind::udp ? Sent::refused : Sent::broken;
    default: return Sent::broken;
  }
}

SinkSocket::Sent SinkSocket::send_sealed(std::string_view& message) {
  auto sealed = base::seal(message, "journal message", kMostSealed);
  if (!sealed) return sealed.error().code == E2BIG ? Sent::too_big : judge(sealed.error().code);
  const int number = sealed->get();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr packet{};
  packet.msg_control = space.data();
  packet.msg_controllen = space.size();
  cmsghdr* header = CMSG_FIRSTHDR(&packet);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &number, sizeof number);
  ssize_t n = 0;
  do {
    n = ::sendmsg(fd_.get(), &packet, MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return judge(errno);
  message = {};
  return Sent::all;
}

}  // namespace gracevisor::output
